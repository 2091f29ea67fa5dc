package io.meshnative.jdbc;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.HostAddress;
import org.mariadb.jdbc.export.SslMode;
import org.mariadb.jdbc.util.ConfigurableSocketFactory;

/**
 * For MariaDB Connector/J 3.5 and 4.0, by its option {@code socketFactory}:
 *
 * <pre>{@code
 * jdbc:mariadb://localhost/app?sslMode=disable&permitRedirect=false&useIpForKillQuery=true
 *     &socketFactory=io.meshnative.jdbc.MariaDbSocketFactory&meshService=db
 * }</pre>
 *
 * <p>{@link MeshJdbcUrl#rewrite(String)} writes it. A factory serves one dial.
 */
public final class MariaDbSocketFactory extends ConfigurableSocketFactory {
  private volatile @Nullable Configuration configuration;
  private volatile @Nullable String host;

  /** For the driver. */
  public MariaDbSocketFactory() {}

  @Override
  public void setConfiguration(Configuration conf, String host) {
    this.configuration = conf;
    this.host = host;
  }

  @Override
  public Socket createSocket() throws IOException {
    Configuration conf = Objects.requireNonNull(configuration, "setConfiguration is called first");
    Map<String, String> ours = new HashMap<>();
    for (String name : conf.nonMappedOptions().stringPropertyNames()) {
      if (MeshTarget.isOurs(name)) {
        ours.put(name, conf.nonMappedOptions().getProperty(name));
      }
    }
    MeshTarget target = DriverSockets.checked(ours, MeshTarget::of);
    if (conf.sslMode() != SslMode.DISABLE) {
      throw DriverSockets.tlsIsOn("sslMode=disable", "sslMode=" + conf.sslMode());
    }
    if (!conf.useIpForKillQuery()) {
      throw new SocketException(
          "expected useIpForKillQuery=true, by which a cancel is told from a connection, found"
              + " useIpForKillQuery=false");
    }
    Duration timeout = DriverSockets.timeout(conf.connectTimeout());
    String address = host;
    if (address == null || isOfTheUrl(conf, address)) {
      return DriverSockets.connection(target, timeout, conf);
    }
    // The driver cancels by the address of the connection's own backend. Connections may share
    // their configuration, so the address has its say.
    List<OpenSockets.Opened> mates =
        OpenSockets.ALL.of(conf).stream()
            .filter(opened -> opened.remoteIp().equals(address))
            .toList();
    return DriverSockets.cancel(target, timeout, conf, mates);
  }

  private static boolean isOfTheUrl(Configuration conf, String host) {
    for (HostAddress address : conf.addresses()) {
      if (host.equals(address.host)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(String host, int port, java.net.InetAddress localHost, int localPort) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(java.net.InetAddress host, int port) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(
      java.net.InetAddress address, int port, java.net.InetAddress localAddress, int localPort) {
    throw connectsLater();
  }

  private static UnsupportedOperationException connectsLater() {
    return new UnsupportedOperationException(
        "expected createSocket() followed by connect(), as MariaDB Connector/J calls them");
  }
}
