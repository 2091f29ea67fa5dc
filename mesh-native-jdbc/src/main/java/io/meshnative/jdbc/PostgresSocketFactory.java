package io.meshnative.jdbc;

import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * For pgjdbc, by its property {@code socketFactory}:
 *
 * <pre>{@code
 * jdbc:postgresql://localhost/app?sslmode=disable&gssEncMode=disable
 *     &socketFactory=io.meshnative.jdbc.PostgresSocketFactory&meshService=db
 * }</pre>
 *
 * <p>{@link MeshJdbcUrl#rewrite(String)} writes it. Where parameters of the mesh cannot be given,
 * as with the setters of {@code PGSimpleDataSource}, {@code socketFactoryArg} takes them all:
 * {@code db?meshClient=orders}.
 *
 * <p>One factory serves a connection and its cancels, which go to the connection's own endpoint.
 * Thread-safe.
 */
public final class PostgresSocketFactory extends DeferredSocketFactory {
  private static final int DEFAULT_SECONDS = 10;

  /** No password among them. */
  private final Map<String, String> settings = new HashMap<>();

  /**
   * Takes the driver's settings.
   *
   * @param info every parameter of the connection, those of the mesh included
   */
  public PostgresSocketFactory(Properties info) {
    for (String name : info.stringPropertyNames()) {
      if (MeshTarget.isOurs(name)) {
        settings.put(name, info.getProperty(name));
      }
    }
    for (String name : List.of("sslmode", "channelBinding", "connectTimeout", "socketFactoryArg")) {
      String value = info.getProperty(name);
      if (value != null) {
        settings.put(name, value);
      }
    }
  }

  @Override
  public Socket createSocket() throws IOException {
    MeshTarget target = DriverSockets.checked(settings, PostgresSocketFactory::target);
    String sslmode = settings.getOrDefault("sslmode", "prefer");
    if (!sslmode.equals("disable")) {
      throw DriverSockets.tlsIsOn("sslmode=disable", "sslmode=" + sslmode);
    }
    if (settings.getOrDefault("channelBinding", "prefer").equals("require")) {
      throw DriverSockets.tlsIsOn("channelBinding=disable", "channelBinding=require");
    }
    List<OpenSockets.Opened> mates = OpenSockets.ALL.of(this);
    // A connection that failed is closed before the driver tries another: what is open is ours.
    return mates.isEmpty()
        ? DriverSockets.connection(target, timeout(), this)
        : DriverSockets.cancel(target, timeout(), this, mates);
  }

  private static MeshTarget target(Map<String, String> settings) {
    String argument = settings.get("socketFactoryArg");
    Map<String, String> ours = new HashMap<>(settings);
    ours.keySet().removeIf(name -> !MeshTarget.isOurs(name));
    if (argument != null) {
      MeshTarget.parameters(argument)
          .forEach((name, value) -> {
            String other = ours.putIfAbsent(name, value);
            if (other != null && !other.equals(value)) {
              throw new IllegalArgumentException(
                  "expected one value of "
                      + name
                      + ", found "
                      + other
                      + ", and "
                      + value
                      + " in socketFactoryArg");
            }
          });
    }
    return MeshTarget.ofSeveral(ours);
  }

  private Duration timeout() {
    String seconds = settings.get("connectTimeout");
    try {
      return DriverSockets.timeout(
          1000L * (seconds == null ? DEFAULT_SECONDS : Integer.parseInt(seconds)));
    } catch (NumberFormatException e) {
      return DriverSockets.DEFAULT_TIMEOUT; // the driver itself complains
    }
  }
}
