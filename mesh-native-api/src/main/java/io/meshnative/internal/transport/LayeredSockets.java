package io.meshnative.internal.transport;

import io.meshnative.internal.tls.MeshEngine;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** Sockets that go where the caller says, with mesh TLS over them. */
public final class LayeredSockets extends SSLSocketFactory {
  /** Puts TLS over a connected socket. */
  public interface Layer {
    /** Makes the channel; on failure the caller closes the socket. */
    TlsChannel over(Socket raw, @Nullable String host, int port) throws IOException;
  }

  private final Layer layer;
  private final Openings openings;
  private final HostNames names;
  private final Supplier<MeshEngine> sample;

  /**
   * Makes the factory.
   *
   * @param layer puts TLS over a socket
   * @param openings ends what is on its way when the client closes
   * @param names looks up the names that sockets are connected to
   * @param sample makes an engine to read the cipher suites from
   */
  LayeredSockets(Layer layer, Openings openings, HostNames names, Supplier<MeshEngine> sample) {
    this.layer = layer;
    this.openings = openings;
    this.names = names;
    this.sample = sample;
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return MeshEngine.ask(sample.get(), MeshEngine::getEnabledCipherSuites);
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return MeshEngine.ask(sample.get(), MeshEngine::getSupportedCipherSuites);
  }

  /**
   * Layers TLS over a connected socket; the handshake runs with the first read, write or
   * startHandshake.
   */
  @Override
  public Socket createSocket(Socket raw, @Nullable String host, int port, boolean autoClose)
      throws IOException {
    if (!raw.isConnected()) {
      throw new java.net.SocketException(
          "expected a connected socket to layer TLS over, found one that is not");
    }
    if (!autoClose) {
      throw new IllegalArgumentException(
          "expected autoClose, found false: a connection whose right is withdrawn is closed with its TCP socket");
    }
    return new MeshSocket(layered(raw, host, port));
  }

  private TlsChannel layered(Socket raw, @Nullable String host, int port) throws IOException {
    TlsChannel channel = layer.over(raw, host, port);
    channel.shakesIn(openings);
    return channel;
  }

  /** Makes a socket that connects to the address that its {@code connect} is given. */
  @Override
  public Socket createSocket() {
    return new MeshSocket((address, timeout, preparer) -> {
      if (!(address instanceof InetSocketAddress inet)) {
        throw new java.net.SocketException(
            "expected an internet address to connect to, found " + address);
      }
      Deadline budget =
          Deadline.afterMillis(timeout > 0 ? timeout : TlsChannel.DEFAULT_HANDSHAKE_MILLIS);
      TlsChannel channel = connect(inet, budget, preparer);
      channel.handshake(budget);
      return channel;
    });
  }

  private TlsChannel connect(InetSocketAddress address, Deadline budget, SocketPreparer preparer)
      throws IOException {
    AtomicReference<@Nullable Socket> opened = new AtomicReference<>();
    try {
      Socket raw =
          RawSockets.open(
              address,
              budget,
              names,
              fresh -> {
                opened.set(fresh);
                openings.begin(fresh);
                preparer.prepare(fresh);
              });
      try {
        return layered(raw, address.getHostString(), address.getPort());
      } catch (IOException | RuntimeException e) {
        RawSockets.closeQuietly(raw);
        throw e;
      }
    } finally {
      Socket raw = opened.get();
      if (raw != null) {
        openings.end(raw);
      }
    }
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(InetSocketAddress.createUnresolved(host, port), null);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(
        InetSocketAddress.createUnresolved(host, port),
        new InetSocketAddress(localHost, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return connected(
        new InetSocketAddress(host, port), new InetSocketAddress(localHost, localPort));
  }

  private Socket connected(InetSocketAddress remote, @Nullable InetSocketAddress local)
      throws IOException {
    Socket socket = createSocket();
    try {
      if (local != null) {
        socket.bind(local);
      }
      socket.connect(remote);
      return socket;
    } catch (IOException | RuntimeException e) {
      RawSockets.closeQuietly(socket);
      throw e;
    }
  }
}
