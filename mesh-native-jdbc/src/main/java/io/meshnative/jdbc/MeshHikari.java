package io.meshnative.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.SQLExceptionOverride;
import com.zaxxer.hikari.util.Credentials;
import io.meshnative.MeshClient;
import java.net.SocketException;
import java.sql.SQLException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A HikariCP pool that follows the mesh:
 *
 * <pre>{@code
 * HikariConfig config = new HikariConfig();
 * config.setJdbcUrl("jdbc:postgresql://orders-db/app");      // the host is a service
 * config.setUsername("app");
 * config.setPassword(password);
 * HikariDataSource pool = MeshHikari.pool(config);
 * }</pre>
 *
 * <p>When the right to call the database is withdrawn, new dials are refused, then the pool lets
 * its connections go, then they are cut: a borrower gets the reason at once instead of a dead
 * connection, and a statement that runs ends with the reason among its causes. When certificates or
 * the database's user are renewed, connections are replaced one after the other. See {@link
 * PoolGuard}.
 *
 * <p>A pool that was made otherwise, from a {@linkplain MeshJdbcUrl#rewrite rewritten} URL, works
 * too; it only learns of a withdrawal by its connections' ends.
 */
public final class MeshHikari {
  private MeshHikari() {}

  /**
   * Makes a pool with the defaults.
   *
   * @param config with a {@code jdbcUrl} whose host is a service; not changed
   * @return the pool; close it as any
   * @throws IllegalArgumentException if the URL or a property does not go together with the mesh
   * @throws IllegalStateException if there is no mesh client, or which one is not said
   */
  public static HikariDataSource pool(HikariConfig config) {
    return builder(config).build();
  }

  /**
   * Starts a builder.
   *
   * @param config with a {@code jdbcUrl} whose host is a service; not changed
   * @return the builder
   */
  public static Builder builder(HikariConfig config) {
    return new Builder(config);
  }

  /** Builds a pool. Not thread-safe. */
  public static final class Builder {
    private final HikariConfig config;
    private MeshJdbcOptions options = MeshJdbcOptions.defaults();
    private PoolPolicy policy = PoolPolicy.defaults();
    private @Nullable RefreshingCredentials credentials;
    private boolean lazy;

    private Builder(HikariConfig config) {
      this.config = Objects.requireNonNull(config, "config");
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
     * Sets how the pool follows the mesh.
     *
     * @param policy the policy
     * @return this
     */
    public Builder policy(PoolPolicy policy) {
      this.policy = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets where user and password come from, by HikariCP's own hook. When the user changes,
     * connections of the old one are replaced before it ends.
     *
     * @param credentials asked for each connection; not closed with the pool
     * @return this
     */
    public Builder credentials(RefreshingCredentials credentials) {
      this.credentials = Objects.requireNonNull(credentials, "credentials");
      return this;
    }

    /**
     * Makes a pool that connects when somebody borrows for the first time, as a {@code
     * HikariDataSource} does that is configured by its setters; else it connects when it is built.
     *
     * @return this
     */
    public Builder lazily() {
      this.lazy = true;
      return this;
    }

    /**
     * Makes the pool.
     *
     * @return the pool; close it as any
     * @throws IllegalArgumentException if the URL or a property does not go together with the mesh
     * @throws IllegalStateException if there is no mesh client, or which one is not said
     */
    public HikariDataSource build() {
      String url = config.getJdbcUrl();
      if (url == null) {
        throw new IllegalArgumentException(
            "expected a jdbcUrl whose host is a service of the mesh, found none");
      }
      if (config.getDataSourceClassName() != null || config.getDataSource() != null) {
        throw new IllegalArgumentException(
            "expected the jdbcUrl alone to say where the database is, found a data source beside it,"
                + " which would not ask the mesh; take it out");
      }
      MeshDataSource.Builder source = MeshDataSource.builder(url).options(options);
      config
          .getDataSourceProperties()
          .forEach((name, value) -> source.property(String.valueOf(name), String.valueOf(value)));
      MeshDataSource database = source.build();
      MeshClient client;
      try {
        client = database.client();
      } catch (SocketException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
      PoolConnections connections = new PoolConnections(database);
      HikariConfig own = new HikariConfig();
      config.copyStateTo(own);
      own.setDataSource(connections);
      own.setDataSourceProperties(new java.util.Properties());
      own.setJdbcUrl(database.url()); // for those who look at it; the pool itself asks the source
      SQLExceptionOverride others = own.getExceptionOverride();
      own.setExceptionOverride(
          new EvictCutConnections(others == null ? new SQLExceptionOverride() {} : others));
      RefreshingCredentials users = credentials;
      if (users != null) {
        own.setCredentialsProvider(() -> now(users));
      }
      return MeshHikariPool.of(
          own, lazy, connections, client, database.destinations(), policy, users);
    }

    /** HikariCP's hook throws nothing that is checked; it takes it for a connection that failed. */
    private static Credentials now(RefreshingCredentials users) {
      try {
        DatabaseCredentials now = users.current();
        return Credentials.of(now.user(), now.password());
      } catch (SQLException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
    }
  }
}
