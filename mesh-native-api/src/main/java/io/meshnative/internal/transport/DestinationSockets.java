package io.meshnative.internal.transport;

import io.meshnative.DialOptions;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.function.Function;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that dial a destination, whatever address they are given, or the one that the address
 * stands for.
 */
public final class DestinationSockets extends SocketFactory {
  private final Dialer dialer;
  private final Function<? super SocketAddress, Destination> destinations;
  private final DialOptions options;

  public DestinationSockets(Dialer dialer, Destination destination, DialOptions options) {
    this(dialer, ignored -> destination, options);
  }

  /**
   * Makes a factory of sockets whose addresses stand for destinations.
   *
   * @param destinations asked once for each socket, by the thread that connects it
   */
  public DestinationSockets(
      Dialer dialer,
      Function<? super SocketAddress, Destination> destinations,
      DialOptions options) {
    this.dialer = dialer;
    this.destinations = destinations;
    this.options = options;
  }

  private Connector connector() {
    return (requested, timeout, preparer) ->
        dialer.dial(destinations.apply(requested), options, timeout, preparer);
  }

  /** Makes a socket that dials when it is connected. */
  @Override
  public MeshSocket createSocket() {
    return MeshSocket.forDriver(connector());
  }

  /** Dials at once. */
  public MeshSocket connected() throws IOException {
    return connected(
        new MeshSocket(connector()), InetSocketAddress.createUnresolved("mesh", 0), null);
  }

  private static MeshSocket connected(
      MeshSocket socket, SocketAddress to, @Nullable SocketAddress local) throws IOException {
    try {
      if (local != null) {
        socket.bind(local);
      }
      socket.connect(to, 0);
      return socket;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(createSocket(), InetSocketAddress.createUnresolved(host, port), null);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(
        createSocket(),
        InetSocketAddress.createUnresolved(host, port),
        new InetSocketAddress(localHost, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(createSocket(), new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return connected(
        createSocket(),
        new InetSocketAddress(address, port),
        new InetSocketAddress(localAddress, localPort));
  }
}
