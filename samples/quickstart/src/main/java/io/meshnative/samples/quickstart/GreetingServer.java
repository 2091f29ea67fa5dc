package io.meshnative.samples.quickstart;

import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.MeshServerSocket;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLSocket;

/** Answers each line with a greeting to the service that its caller has proven to be. */
final class GreetingServer implements AutoCloseable {
  private final MeshClient mesh;
  private final MeshServerSocket listener;

  private GreetingServer(MeshClient mesh, MeshServerSocket listener) {
    this.mesh = mesh;
    this.listener = listener;
  }

  static GreetingServer start(MeshClient mesh, MeshServerSocket listener) {
    GreetingServer server = new GreetingServer(mesh, listener);
    daemon("accept", server::accept);
    return server;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        SSLSocket caller = listener.accept(); // authorized: nobody else gets this far
        daemon("serve", () -> serve(caller));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void serve(SSLSocket caller) {
    try (caller) {
      MeshPeer peer = mesh.peer(caller.getSession());
      BufferedReader in = reader(caller);
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        write(caller, "you are " + peer.service().service() + ", and you said \"" + line + "\"");
      }
    } catch (IOException e) {
      // Cut by an intention, or gone: the other side tells the story.
    }
  }

  /** Sends a line and waits for the answer. */
  static String ask(Socket socket, String line) throws IOException {
    write(socket, line);
    String answer = reader(socket).readLine();
    if (answer == null) {
      throw new EOFException("expected an answer, found the end of the stream");
    }
    return answer;
  }

  private static BufferedReader reader(Socket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void write(Socket socket, String line) throws IOException {
    socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
    socket.getOutputStream().flush();
  }

  private static void daemon(String name, Runnable task) {
    thread(name, task).start();
  }

  static Thread thread(String name, Runnable task) {
    Thread thread = new Thread(task, "quickstart-" + name);
    thread.setDaemon(true);
    return thread;
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
