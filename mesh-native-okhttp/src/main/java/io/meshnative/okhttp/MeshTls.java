package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Layers mesh TLS over {@link TokenSocket}s. One object a trust generation: it is part of the key
 * of OkHttp's pool, so that after a rotation new calls take new connections, and the old ones
 * drain.
 */
final class MeshTls extends SSLSocketFactory {
  private final MeshClient mesh;
  private final long generation;

  MeshTls(MeshClient mesh, long generation) {
    this.mesh = mesh;
    this.generation = generation;
  }

  long generation() {
    return generation;
  }

  @Override
  public Socket createSocket(Socket raw, @Nullable String host, int port, boolean autoClose)
      throws IOException {
    if (!(raw instanceof TokenSocket socket)) {
      throw new SocketException(
          "expected a connection to an endpoint of the mesh to layer mesh TLS over, found "
              + raw.getRemoteSocketAddress());
    }
    SSLSocketFactory factory = mesh.sslSocketFactory(socket.target());
    socket.secure();
    return new PooledSocket(
        (SSLSocket) factory.createSocket(raw, host, port, autoClose), socket, mesh);
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return mesh.serverContext().getDefaultSSLParameters().getCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return mesh.serverContext().getSupportedSSLParameters().getCipherSuites();
  }

  @Override
  public Socket createSocket(String host, int port) throws SocketException {
    throw layeredOnly();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws SocketException {
    throw layeredOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws SocketException {
    throw layeredOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws SocketException {
    throw layeredOnly();
  }

  private static SocketException layeredOnly() {
    return new SocketException("expected OkHttp, which connects sockets itself, found another use");
  }

  /** Returns the generation. */
  @Override
  public String toString() {
    return "MeshTls[trust generation " + generation + "]";
  }
}
