package io.meshnative.samples.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.Subscription;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.jdbc.MeshJdbcOptions;
import java.io.PrintStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * An application that counts its visits in a database of the mesh, without a proxy of its own.
 *
 * <pre>
 * consul connect proxy -service mysql-server -service-addr 127.0.0.1:3306 -listen 127.0.0.1:21000 -register &
 * java … io.meshnative.samples.jdbc.DynamicApp
 *
 * consul intention create -deny  dynamic-app mysql-server            # denied: …
 * consul intention create -replace -allow dynamic-app mysql-server   # visits: 1, 2, 3 …
 * consul intention create -replace -deny  dynamic-app mysql-server   # denied: …
 * </pre>
 */
public final class DynamicApp implements AutoCloseable {
  private final Subscription registered;
  private final HikariDataSource pool;
  private final PrintStream out;

  /**
   * Makes the application.
   *
   * @param mesh its membership in the mesh; not closed with it
   * @param out where it tells what it does
   */
  public DynamicApp(MeshClient mesh, PrintStream out) {
    this.out = out;
    this.registered = MeshClients.register("dynamic-app", mesh);
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl("jdbc:mysql://mysql-server/app"); // mysql-server is a service of the mesh
    config.setUsername("app");
    config.setPassword("s3cret");
    config.setMaximumPoolSize(2);
    config.setInitializationFailTimeout(-1); // start before the database may be called
    this.pool =
        MeshHikari.builder(config)
            .options(MeshJdbcOptions.defaults().withClient("dynamic-app"))
            .build();
  }

  /**
   * Joins the mesh by the environment, and visits until it is ended.
   *
   * @param args none
   */
  public static void main(String[] args) throws Exception {
    try (MeshClient mesh = MeshClient.create("dynamic-app");
        DynamicApp app = new DynamicApp(mesh, System.out)) {
      app.run(() -> true);
    }
  }

  /**
   * Visits again and again.
   *
   * @param goOn whether to go on, asked before each visit
   */
  public void run(BooleanSupplier goOn) {
    while (goOn.getAsBoolean()) {
      try {
        out.println("visits: " + visit());
      } catch (SQLException e) {
        out.println("denied: " + e.getMessage());
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
  }

  private int visit() throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS visits (at TIMESTAMP(6) DEFAULT NOW(6))");
      statement.execute("INSERT INTO visits VALUES ()");
      try (ResultSet result = statement.executeQuery("SELECT COUNT(*) FROM visits")) {
        result.next();
        return result.getInt(1);
      }
    }
  }

  @Override
  public void close() {
    pool.close();
    registered.close();
  }
}
