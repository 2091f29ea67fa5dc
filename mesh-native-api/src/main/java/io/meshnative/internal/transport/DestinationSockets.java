package io.meshnative.internal.transport;

import io.meshnative.DialOptions;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/** Sockets that dial a destination, whatever address they are given. */
public final class DestinationSockets extends SocketFactory {
  private final Dialer dialer;
  private final Destination destination;
  private final DialOptions options;

  public DestinationSockets(Dialer dialer, Destination destination, DialOptions options) {
    this.dialer = dialer;
    this.destination = destination;
    this.options = options;
  }

  /** Makes a socket that dials when it is connected. */
  @Override
  public MeshSocket createSocket() {
    return new MeshSocket(
        (ignored, timeout, preparer) -> dialer.dial(destination, options, timeout, preparer));
  }

  /** Dials at once. */
  public MeshSocket connected() throws IOException {
    return connected(createSocket(), null);
  }

  private MeshSocket connected(MeshSocket socket, @Nullable SocketAddress local)
      throws IOException {
    try {
      if (local != null) {
        socket.bind(local);
      }
      socket.connect(InetSocketAddress.createUnresolved(destination.service(), 0), 0);
      return socket;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(createSocket(), new InetSocketAddress(localHost, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected();
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return connected(createSocket(), new InetSocketAddress(localAddress, localPort));
  }
}
