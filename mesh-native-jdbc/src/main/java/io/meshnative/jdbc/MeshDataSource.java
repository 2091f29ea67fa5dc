package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import java.io.PrintWriter;
import java.net.SocketException;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A database behind the mesh as a {@code DataSource}, for pools and frameworks that take one:
 *
 * <pre>{@code
 * DataSource db =
 *     MeshDataSource.builder("jdbc:postgresql://orders-db/app")
 *         .options(MeshJdbcOptions.defaults().withClient("orders"))
 *         .property("user", "app")
 *         .property("password", password)
 *         .build();
 * }</pre>
 *
 * <p>The URL is as for {@link MeshJdbcUrl#rewrite(String)}; the properties are the driver's. Both
 * are checked when it is built, not at the first connection. It does not pool: each call makes a
 * connection, which is the driver's own and not wrapped. Immutable and thread-safe.
 */
public final class MeshDataSource implements DataSource {
  private final String url;
  private final MeshTarget target;
  private final Map<String, String> properties;
  private final @Nullable RefreshingCredentials credentials;
  private final Driver driver;

  private MeshDataSource(Builder builder) {
    this.url = MeshJdbcUrl.rewrite(builder.url, builder.options);
    this.target = MeshJdbcUrl.target(url, MeshJdbcOptions.defaults());
    this.properties = Map.copyOf(builder.properties);
    this.credentials = builder.credentials;
    MeshJdbcUrl.checkProperties(url, properties);
    try {
      this.driver = DriverManager.getDriver(url);
    } catch (SQLException e) {
      throw new IllegalArgumentException(
          "expected a driver for " + DriverUrl.parse(url) + " on the class path, found none", e);
    }
  }

  /**
   * Starts a builder.
   *
   * @param url a URL whose host is a service of the mesh
   * @return the builder
   */
  public static Builder builder(String url) {
    return new Builder(url);
  }

  /**
   * Returns the service that the connections go to, the first where there are several.
   *
   * @return the destination
   */
  public Destination destination() {
    return target.destination();
  }

  /**
   * Returns the services among which the driver chooses, in their order.
   *
   * @return one, unless the URL names several
   */
  public List<Destination> destinations() {
    return target.destinations();
  }

  /** The URL for the driver. */
  String url() {
    return url;
  }

  /** The client that dials; asked for each time, as it may be registered later. */
  MeshClient client() throws SocketException {
    return target.resolve();
  }

  /**
   * Connects, by the credentials or the user of the properties.
   *
   * @throws SQLException if there is no connection; among its causes is the mesh's reason
   */
  @Override
  public Connection getConnection() throws SQLException {
    RefreshingCredentials present = credentials;
    if (present == null) {
      return connect(null, null);
    }
    DatabaseCredentials now = present.current();
    return connect(now.user(), now.password());
  }

  @Override
  public Connection getConnection(String username, String password) throws SQLException {
    return connect(username, password);
  }

  private Connection connect(@Nullable String user, @Nullable String password) throws SQLException {
    Properties all = new Properties();
    all.putAll(properties);
    if (user != null) {
      all.setProperty("user", user);
    }
    if (password != null) {
      all.setProperty("password", password);
    }
    Connection made = driver.connect(url, all);
    if (made == null) {
      throw new SQLException("the driver " + driver.getClass().getName() + " takes no such URL");
    }
    return made;
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  /** Nothing is written there: drivers log by themselves. */
  @Override
  public void setLogWriter(PrintWriter out) {}

  /** Not supported; {@code loginTimeout} and {@code connectTimeout} are properties of drivers. */
  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    if (seconds != 0) {
      throw new SQLFeatureNotSupportedException(
          "expected the login timeout as a property of the driver, found a setter's call");
    }
  }

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException("there is none");
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    if (type.isInstance(this)) {
      return type.cast(this);
    }
    throw new SQLException("expected MeshDataSource, found a wish for " + type.getName());
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return type.isInstance(this);
  }

  /** Returns the URL's beginning; no parameter, no password. */
  @Override
  public String toString() {
    return "MeshDataSource[" + DriverUrl.parse(url).dialect() + " " + target.shown() + "]";
  }

  /** Builds a data source. Not thread-safe. */
  public static final class Builder {
    private final String url;
    private final Map<String, String> properties = new LinkedHashMap<>();
    private MeshJdbcOptions options = MeshJdbcOptions.defaults();
    private @Nullable RefreshingCredentials credentials;

    private Builder(String url) {
      this.url = Objects.requireNonNull(url, "url");
    }

    /**
     * Sets what is not in the URL.
     *
     * @param options the options
     * @return this
     */
    public Builder options(MeshJdbcOptions options) {
      this.options = Objects.requireNonNull(options, "options");
      return this;
    }

    /**
     * Sets a property of the driver.
     *
     * @param name its name
     * @param value its value
     * @return this
     */
    public Builder property(String name, String value) {
      properties.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Sets where user and password come from.
     *
     * @param credentials asked for each connection; not closed with the data source
     * @return this
     */
    public Builder credentials(RefreshingCredentials credentials) {
      this.credentials = Objects.requireNonNull(credentials, "credentials");
      return this;
    }

    /**
     * Makes the data source.
     *
     * @return the data source
     * @throws IllegalArgumentException if the URL or a property does not go together with the mesh,
     *     or there is no driver
     */
    public MeshDataSource build() {
      return new MeshDataSource(this);
    }
  }
}
