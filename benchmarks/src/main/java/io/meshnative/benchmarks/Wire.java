package io.meshnative.benchmarks;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLSocket;

/**
 * A server that echoes, and how to connect to it with mutual TLS 1.3: by the library, or by hand
 * with the same provider, keys of the same kind and chains of the same length. What both do alike
 * is written once, here.
 */
abstract class Wire implements AutoCloseable {
  private static final int MOST = 16 * 1024;

  private final ExecutorService threads =
      Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "echo");
        thread.setDaemon(true);
        return thread;
      });

  /** A connected socket whose handshake is done at this end. */
  abstract SSLSocket connect() throws IOException;

  /** How many sessions were resumed, where that is known: none may be. */
  abstract long resumed();

  /** Accepts on a thread of its own, serves each connection on another. */
  final void serve(ServerSocket server) {
    threads.execute(() -> {
      while (!server.isClosed()) {
        try {
          Socket accepted = server.accept();
          threads.execute(() -> echo(accepted));
        } catch (IOException e) {
          if (!server.isClosed()) {
            throw new IllegalStateException(e);
          }
        }
      }
    });
  }

  /** Prepares an accepted socket: by hand, this is where TLS begins. */
  Socket accepted(Socket socket) throws IOException {
    return socket;
  }

  private void echo(Socket raw) {
    byte[] bytes = new byte[MOST];
    try (Socket socket = accepted(raw)) {
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
        out.write(bytes, 0, read);
      }
    } catch (IOException e) {
      // The caller has gone, as callers of a handshake benchmark do.
    }
  }

  /** Sends bytes, and takes as many. */
  static void roundTrip(SSLSocket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    InputStream in = socket.getInputStream();
    for (int at = 0; at < bytes.length; ) {
      int read = in.read(bytes, at, bytes.length - at);
      if (read < 0) {
        throw new EOFException("the echo ended");
      }
      at += read;
    }
  }

  @Override
  public void close() throws Exception {
    threads.shutdownNow();
  }
}
