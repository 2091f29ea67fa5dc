package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.jdbc.RefreshingCredentials;
import io.meshnative.jdbc.VaultAuth;
import io.meshnative.jdbc.VaultDatabaseCredentials;
import io.meshnative.tests.JdbcCast.Caller;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A pool whose users live for seconds: what speaks as Vault does makes them in a real database and
 * locks them out when their lease has ended, while the application goes on.
 */
@ExtendWith(Quiet.class)
class JdbcCredentialsTest {
  private static final int LEASE_SECONDS = 4;
  private static final int ROTATIONS = 3;

  /** How users are made and looked at. */
  enum Kind {
    POSTGRESQL("jdbc:postgresql://db/postgres?connectTimeout=60") {
      @Override
      DatabaseServer start() throws Exception {
        RealPeers.requirePostgres();
        return DatabaseServer.postgres();
      }

      @Override
      String make(String user, String password) {
        return "CREATE ROLE " + user + " LOGIN PASSWORD '" + password + "'";
      }

      @Override
      String lock(String user) {
        return "ALTER ROLE " + user + " NOLOGIN";
      }

      @Override
      String sessions(String user) {
        return "SELECT count(*) FROM pg_stat_activity WHERE usename = '" + user + "'";
      }

      @Override
      String whoAmI() {
        return "SELECT session_user";
      }
    },

    MARIADB("jdbc:mariadb://db/app?connectTimeout=60000") {
      @Override
      DatabaseServer start() throws Exception {
        RealPeers.requireMariadb();
        return DatabaseServer.mariadb();
      }

      @Override
      String make(String user, String password) {
        return "CREATE USER " + user + "@'%' IDENTIFIED BY '" + password + "'";
      }

      @Override
      List<String> grants(String user) {
        return List.of("GRANT SELECT ON app.* TO " + user + "@'%'");
      }

      @Override
      String lock(String user) {
        return "ALTER USER " + user + "@'%' ACCOUNT LOCK";
      }

      @Override
      String sessions(String user) {
        return "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '" + user + "'";
      }

      @Override
      String whoAmI() {
        return "SELECT SUBSTRING_INDEX(CURRENT_USER(), '@', 1)";
      }
    };

    final String url;

    Kind(String url) {
      this.url = url;
    }

    abstract DatabaseServer start() throws Exception;

    abstract String make(String user, String password);

    List<String> grants(String user) {
      return List.of();
    }

    abstract String lock(String user);

    abstract String sessions(String user);

    abstract String whoAmI();
  }

  /** Vault's answers, and its database engine's deeds. */
  private static final class Engine extends Dispatcher {
    private record Lease(String user, long endsNanos) {}

    private final Kind kind;
    private final DatabaseServer database;
    private final List<Lease> leases = new CopyOnWriteArrayList<>();
    private final Set<String> locked = new ConcurrentSkipListSet<>();
    private final ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();

    Engine(Kind kind, DatabaseServer database) {
      this.kind = kind;
      this.database = database;
    }

    @Override
    public MockResponse dispatch(RecordedRequest request) {
      if (!request.getUrl().encodedPath().equals("/v1/database/creds/app")
          || !"hvs.app".equals(request.getHeaders().get("X-Vault-Token"))) {
        return new MockResponse.Builder().code(403).build();
      }
      String user = "v_app_" + (leases.size() + 1);
      String password = "p-" + java.util.UUID.randomUUID();
      try (Connection admin = database.connect();
          Statement statement = admin.createStatement()) {
        statement.execute(kind.make(user, password));
        for (String grant : kind.grants(user)) {
          statement.execute(grant);
        }
        revokeEnded(statement);
      } catch (SQLException e) {
        wrong.add(e);
        return new MockResponse.Builder().code(500).build();
      }
      leases.add(new Lease(user, System.nanoTime() + LEASE_SECONDS * 1_000_000_000L));
      return new MockResponse.Builder()
          .addHeader("Content-Type", "application/json")
          .body(
              "{\"lease_id\":\"database/creds/app/"
                  + user
                  + "\",\"renewable\":false,\"lease_duration\":"
                  + LEASE_SECONDS
                  + ",\"data\":{\"username\":\""
                  + user
                  + "\",\"password\":\""
                  + password
                  + "\"},\"auth\":null}")
          .build();
    }

    /** Nobody logs in any more as a user whose time is over. */
    private void revokeEnded(Statement admin) throws SQLException {
      for (Lease lease : leases) {
        if (System.nanoTime() - lease.endsNanos > 0 && locked.add(lease.user)) {
          admin.execute(kind.lock(lease.user));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void usersComeAndGoAndNoBorrowerFails(Kind kind) throws Exception {
    try (DatabaseServer database = kind.start();
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane);
        MockWebServer vault = new MockWebServer()) {
      cast.keep(new Terminator(cast.registered("db"), database.port()));
      Caller web = JdbcCast.caller(cast, "web");
      Cast.awaitEndpoint(web.mesh(), "db");
      Engine engine = new Engine(kind, database);
      vault.setDispatcher(engine);
      vault.start();
      RefreshingCredentials users =
          cast.keep(
              RefreshingCredentials.start(
                  VaultDatabaseCredentials.builder("http://127.0.0.1:" + vault.getPort(), "app")
                      .auth(VaultAuth.token("hvs.app"))
                      .build()));
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(kind.url);
      config.setMaximumPoolSize(3);
      config.setConnectionTimeout(2 * Cast.GUARD.toMillis());
      config.setValidationTimeout(Cast.GUARD.toMillis());
      HikariDataSource pool =
          cast.keep(MeshHikari.builder(config).options(web.options()).credentials(users).build());

      AtomicBoolean over = new AtomicBoolean();
      AtomicInteger served = new AtomicInteger();
      Set<String> seen = new ConcurrentSkipListSet<>();
      ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();
      List<CompletableFuture<Void>> borrowers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        borrowers.add(
            Background.run(() -> {
              while (!over.get()) {
                try (Connection connection = pool.getConnection()) {
                  seen.add(JdbcCast.one(connection, kind.whoAmI()));
                  served.incrementAndGet();
                } catch (SQLException | RuntimeException e) {
                  wrong.add(e);
                }
              }
            }));
      }
      try (Connection beside = database.connect()) {
        for (int rotation = 1; rotation <= ROTATIONS; rotation++) {
          String old = "v_app_" + rotation;
          int many = rotation + 1;
          Cast.await("another user", () -> seen.size() >= many || !wrong.isEmpty());
          Cast.await(
              "nobody is " + old,
              () -> JdbcCast.one(beside, kind.sessions(old)).equals("0") || !wrong.isEmpty());
        }
      } finally {
        over.set(true);
      }
      for (CompletableFuture<Void> borrower : borrowers) {
        borrower.get();
      }
      assertThat(engine.wrong).isEmpty();
      assertThat(wrong).as("of %s served", served).isEmpty();
      assertThat(seen).hasSizeGreaterThan(ROTATIONS);
      assertThat(engine.locked).as("users whose time is over").isNotEmpty();
    }
  }
}
