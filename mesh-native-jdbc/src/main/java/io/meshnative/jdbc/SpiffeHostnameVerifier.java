package io.meshnative.jdbc;

import io.meshnative.PeerIdentityException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.SocketException;
import java.util.Map;
import java.util.Properties;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSession;

/**
 * For pgjdbc's property {@code sslhostnameverifier}, beside {@link PostgresTlsFactory}: the peer
 * must be the service that {@code meshService} names. Its certificate names no host.
 *
 * <p>Thread-safe.
 */
public final class SpiffeHostnameVerifier implements HostnameVerifier {
  private static final Logger LOG = System.getLogger("io.meshnative.jdbc");

  private final Map<String, String> ours;

  /**
   * Takes the driver's settings.
   *
   * @param info every parameter of the connection
   */
  public SpiffeHostnameVerifier(Properties info) {
    this.ours = PostgresTlsFactory.ours(info);
  }

  @Override
  public boolean verify(String hostname, SSLSession session) {
    try {
      MeshTarget target = DriverSockets.checked(ours, MeshTarget::of);
      target.resolve().verifyPeer(session, target.destination());
      return true;
    } catch (SocketException | PeerIdentityException | RuntimeException e) {
      LOG.log(Level.WARNING, "a database was refused: {0}", e.getMessage());
      return false;
    }
  }
}
