package io.meshnative.testkit.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ServerSocketFactory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockWebServer;
import okhttp3.Protocol;
import org.jspecify.annotations.Nullable;

/** One port on loopback that the agent's API is served on, in the clear or with TLS. */
final class AgentPort {
  private final CuttableServerSocket listener;
  private final MockWebServer server = new MockWebServer();

  AgentPort(int port, @Nullable AgentTls tls, boolean verifyIncoming, Dispatcher dispatcher) {
    try {
      listener = new CuttableServerSocket();
      server.setServerSocketFactory(new OneSocketFactory(listener));
      server.setDispatcher(dispatcher);
      // A blocked call holds its connection's thread, which HTTP/2 would share among calls.
      server.setProtocols(List.of(Protocol.HTTP_1_1));
      if (tls != null) {
        server.useHttps(tls.sockets());
        if (verifyIncoming) {
          server.requireClientAuth();
        }
      }
      server.start(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot listen on 127.0.0.1:" + port + ": " + e.getMessage(), e);
    }
  }

  int port() {
    return server.getPort();
  }

  CuttableServerSocket listener() {
    return listener;
  }

  /** Drops what the server remembers of requests; over a long run it would be a leak. */
  void drain() throws InterruptedException {
    while (server.takeRequest(0, TimeUnit.MILLISECONDS) != null) {
      // Dropped.
    }
  }

  void close() {
    server.close();
    listener.closeAndFreePort();
  }

  /** Hands the one listener to the server that binds it. */
  private static final class OneSocketFactory extends ServerSocketFactory {
    private final ServerSocket socket;

    OneSocketFactory(ServerSocket socket) {
      this.socket = socket;
    }

    @Override
    public ServerSocket createServerSocket() {
      return socket;
    }

    @Override
    public ServerSocket createServerSocket(int port) {
      throw new UnsupportedOperationException("the server binds by itself");
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog) {
      throw new UnsupportedOperationException("the server binds by itself");
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
      throw new UnsupportedOperationException("the server binds by itself");
    }
  }
}
