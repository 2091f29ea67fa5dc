package io.meshnative.jdbc;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import javax.net.ssl.SSLSocketFactory;

/**
 * For a PostgreSQL that does TLS itself with a certificate of the mesh, so that it needs no
 * sidecar:
 *
 * <pre>{@code
 * jdbc:postgresql://10.0.0.5/app?sslmode=verify-full
 *     &sslfactory=io.meshnative.jdbc.PostgresTlsFactory
 *     &sslhostnameverifier=io.meshnative.jdbc.SpiffeHostnameVerifier&meshService=db
 * }</pre>
 *
 * <p>The driver connects to the host of the URL; the server proves to be the service and not that
 * host. Works with {@code sslNegotiation=direct} too, which PostgreSQL 17 knows. The server checks
 * that our certificate is of the mesh; intentions are not its business, so this side's alone count.
 *
 * <p>Mind {@code sslmode}: without it, or with {@code prefer} or {@code allow}, the driver speaks
 * plain text to a server that says it has no TLS, and asks nobody. This factory refuses such a
 * connection where it is asked.
 *
 * <p>Thread-safe.
 */
public final class PostgresTlsFactory extends SSLSocketFactory {
  /** With the others the driver goes on in plain text where the server has no TLS. */
  private static final Set<String> INSISTING = Set.of("require", "verify-ca", "verify-full");

  private final Map<String, String> ours;
  private final String sslmode;

  /**
   * Takes the driver's settings.
   *
   * @param info every parameter of the connection
   */
  public PostgresTlsFactory(Properties info) {
    this.ours = ours(info);
    this.sslmode = info.getProperty("sslmode", "prefer");
  }

  static Map<String, String> ours(Properties info) {
    Map<String, String> ours = new HashMap<>();
    for (String name : info.stringPropertyNames()) {
      if (MeshTarget.isOurs(name)) {
        ours.put(name, info.getProperty(name));
      }
    }
    return ours;
  }

  private SSLSocketFactory factory() throws IOException {
    if (!INSISTING.contains(sslmode)) {
      throw new SocketException(
          "expected sslmode=verify-full, since the driver would speak plain text to a server without"
              + " TLS, found sslmode="
              + sslmode);
    }
    MeshTarget target = DriverSockets.checked(ours, MeshTarget::of);
    return target.resolve().sslSocketFactory(target.destination());
  }

  @Override
  public Socket createSocket(Socket socket, String host, int port, boolean autoClose)
      throws IOException {
    return factory().createSocket(socket, host, port, autoClose);
  }

  @Override
  public Socket createSocket() throws IOException {
    return factory().createSocket();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return factory().createSocket(host, port);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return factory().createSocket(host, port, localHost, localPort);
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return factory().createSocket(host, port);
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return factory().createSocket(address, port, localAddress, localPort);
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return suites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return suites();
  }

  private String[] suites() {
    try {
      return factory().getSupportedCipherSuites();
    } catch (IOException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }
}
