package io.meshnative.tests;

import io.meshnative.MeshServerSocket;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that sends back what it hears, on any listening socket. */
final class Echo implements AutoCloseable {
  private final java.net.ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final AtomicInteger bytes = new AtomicInteger();

  Echo(MeshServerSocket server) {
    this((java.net.ServerSocket) server);
  }

  Echo(java.net.ServerSocket server) {
    this.server = server;
    Thread thread = new Thread(this::accept, "echo-accept");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        accepted.incrementAndGet();
        open.add(socket);
        Thread thread = new Thread(() -> serve(socket), "echo-serve");
        thread.setDaemon(true);
        thread.start();
      } catch (IOException e) {
        if (!server.isClosed()) {
          throw new java.io.UncheckedIOException(e);
        }
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      byte[] buffer = new byte[16 * 1024];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        bytes.addAndGet(n);
        out.write(buffer, 0, n);
        out.flush();
      }
    } catch (IOException e) {
      // The peer was cut, or went: nothing to echo any more.
    } finally {
      open.remove(socket);
    }
  }

  int port() {
    return server.getLocalPort();
  }

  /** How many connections reached the application. */
  int accepted() {
    return accepted.get();
  }

  /** How many bytes reached the application. */
  int bytes() {
    return bytes.get();
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : open) {
      socket.close();
    }
  }

  /** Sends one byte and reads it back. */
  static void ping(Socket socket) throws IOException {
    socket.getOutputStream().write('!');
    socket.getOutputStream().flush();
    int answer = socket.getInputStream().read();
    if (answer != '!') {
      throw new IOException("expected the byte back, found " + answer);
    }
  }
}
