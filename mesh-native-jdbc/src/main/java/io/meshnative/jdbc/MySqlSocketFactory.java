package io.meshnative.jdbc;

import com.mysql.cj.conf.PropertyKey;
import com.mysql.cj.conf.PropertySet;
import com.mysql.cj.protocol.ServerSession;
import com.mysql.cj.protocol.SocketConnection;
import com.mysql.cj.protocol.SocketFactory;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * For MySQL Connector/J from 8.0.33 on, by its property {@code socketFactory}:
 *
 * <pre>{@code
 * jdbc:mysql://localhost/app?sslMode=DISABLED
 *     &socketFactory=io.meshnative.jdbc.MySqlSocketFactory&meshService=db
 * }</pre>
 *
 * <p>{@link MeshJdbcUrl#rewrite(String)} writes it. A factory serves one dial, by one thread. The
 * driver sees an {@code SSLSocket}, so that {@code caching_sha2_password} may send the password.
 */
public final class MySqlSocketFactory implements SocketFactory {
  private @Nullable SSLSocket socket;
  private int readTimeout;
  private long loginEndsNanos;
  private boolean loginIsLimited;

  /** For the driver. */
  public MySqlSocketFactory() {}

  /**
   * Dials within the smaller of {@code connectTimeout} and the login timeout, 10 seconds where
   * neither is set.
   */
  @Override
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // the driver's own signature
  public <T extends Closeable> T connect(
      String host, int port, PropertySet properties, int loginTimeoutMillis) throws IOException {
    Properties all = properties.exposeAsProperties();
    Map<String, String> ours = new HashMap<>();
    for (String name : all.stringPropertyNames()) {
      if (MeshTarget.isOurs(name)) {
        ours.put(name, all.getProperty(name));
      }
    }
    MeshTarget target = DriverSockets.checked(ours, MeshTarget::of);
    String sslMode = String.valueOf(properties.getEnumProperty(PropertyKey.sslMode).getValue());
    if (!sslMode.equals("DISABLED")) {
      throw DriverSockets.tlsIsOn("sslMode=DISABLED", "sslMode=" + sslMode);
    }
    if (loginTimeoutMillis > 0) {
      loginIsLimited = true;
      loginEndsNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(loginTimeoutMillis);
    }
    int connectTimeout = integer(properties, PropertyKey.connectTimeout);
    Duration timeout =
        DriverSockets.timeout(
            connectTimeout > 0 && loginTimeoutMillis > 0
                ? Math.min(connectTimeout, loginTimeoutMillis)
                : Math.max(connectTimeout, loginTimeoutMillis));
    // The driver cancels by a session of its own that shares the connection's properties; a
    // connection that is made anew under them has lost its socket before.
    List<OpenSockets.Opened> mates = OpenSockets.ALL.of(properties);
    SSLSocket made =
        mates.isEmpty()
            ? DriverSockets.connection(target, timeout, properties)
            : DriverSockets.cancel(target, timeout, properties, mates);
    try {
      configure(made, properties);
      made.connect(InetSocketAddress.createUnresolved(host, port));
      readTimeout = integer(properties, PropertyKey.socketTimeout);
    } catch (IOException | RuntimeException e) {
      made.close();
      throw e;
    }
    socket = made;
    return (T) made;
  }

  private static void configure(SSLSocket socket, PropertySet properties) throws IOException {
    socket.setTcpNoDelay(flag(properties, PropertyKey.tcpNoDelay));
    socket.setKeepAlive(flag(properties, PropertyKey.tcpKeepAlive));
    int receive = integer(properties, PropertyKey.tcpRcvBuf);
    if (receive > 0) {
      socket.setReceiveBufferSize(receive);
    }
    int send = integer(properties, PropertyKey.tcpSndBuf);
    if (send > 0) {
      socket.setSendBufferSize(send);
    }
    int trafficClass = integer(properties, PropertyKey.tcpTrafficClass);
    if (trafficClass > 0) {
      socket.setTrafficClass(trafficClass);
    }
  }

  private static int integer(PropertySet properties, PropertyKey key) {
    Integer value = properties.getIntegerProperty(key).getValue();
    return value == null ? 0 : value;
  }

  private static boolean flag(PropertySet properties, PropertyKey key) {
    return Boolean.TRUE.equals(properties.getBooleanProperty(key).getValue());
  }

  /** The login reads within what is left of its time. */
  @Override
  public void beforeHandshake() throws IOException {
    SSLSocket connected = socket;
    if (loginIsLimited && connected != null) {
      long left = TimeUnit.NANOSECONDS.toMillis(loginEndsNanos - System.nanoTime());
      if (left <= 0) {
        throw new SocketTimeoutException("the login timeout has passed");
      }
      int limit = (int) Math.min(left, Integer.MAX_VALUE);
      connected.setSoTimeout(readTimeout > 0 ? Math.min(readTimeout, limit) : limit);
    }
  }

  @Override
  public void afterHandshake() throws IOException {
    SSLSocket connected = socket;
    if (loginIsLimited && connected != null) {
      connected.setSoTimeout(readTimeout);
    }
  }

  /** Never right: the driver has asked the server for TLS inside the mesh's. */
  @Override
  @SuppressWarnings("TypeParameterUnusedInFormals") // the driver's own signature
  public <T extends Closeable> T performTlsHandshake(
      SocketConnection socketConnection, ServerSession serverSession) throws IOException {
    SocketException refused = DriverSockets.tlsIsOn("sslMode=DISABLED", "a TLS handshake");
    SSLSocket connected = socket;
    if (connected != null) {
      connected.close();
    }
    throw refused;
  }
}
