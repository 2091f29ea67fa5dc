package io.meshnative.internal.consul;

import io.meshnative.internal.unix.UnixSocket;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import javax.net.SocketFactory;

/** Makes sockets that connect to one unix domain socket, whatever address they are given. */
final class UnixSockets extends SocketFactory {
  private final Path path;
  private final UnaryOperator<InputStream> watched;

  /** Makes sockets whose input passes through something. */
  UnixSockets(Path path, UnaryOperator<InputStream> watched) {
    this.path = path;
    this.watched = watched;
  }

  @Override
  public Socket createSocket() throws IOException {
    return new UnixSocket(path, watched);
  }

  private Socket connected() throws IOException {
    Socket socket = createSocket();
    socket.connect(null);
    return socket;
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected();
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected();
  }
}
