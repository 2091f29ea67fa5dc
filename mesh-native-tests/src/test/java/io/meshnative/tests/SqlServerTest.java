package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTimeoutException;
import java.sql.Statement;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Microsoft's real driver through the mesh, to what answers as a SQL Server would; and to a real
 * one where {@code -Dmesh.it.sqlserver=port} names it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class SqlServerTest {
  /** Long enough for a slow machine. */
  private static final String URL = "jdbc:sqlserver://db;databaseName=app;loginTimeout=60";

  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedPlane.start(true);
    cast = new Cast(plane);
  }

  @AfterEach
  void leave() throws Exception {
    cast.close();
    plane.close();
  }

  private TdsResponder serve(TdsResponder.Encryption encryption) throws Exception {
    TdsResponder server =
        cast.keep(new TdsResponder(encryption, plane.plane().caIssue("sql-server")));
    serve(server.port());
    return server;
  }

  private Terminator serve(int port) throws Exception {
    Terminator terminator = cast.keep(new Terminator(cast.registered("db"), port));
    web = JdbcCast.caller(cast, "web");
    Cast.awaitEndpoint(web.mesh(), "db");
    return terminator;
  }

  @ParameterizedTest
  @EnumSource(TdsResponder.Encryption.class)
  void aLoginAndAStatement(TdsResponder.Encryption encryption) throws Exception {
    TdsResponder server = serve(encryption);
    try (Connection connection = web.connect(URL)) {
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      assertThat(connection.getCatalog()).isEqualTo("app");
    }
    assertThat(server.logins()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource(TdsResponder.Encryption.class)
  void aWrongPasswordIsTheServersOwnAnswer(TdsResponder.Encryption encryption) throws Exception {
    serve(encryption);
    Properties wrong = new Properties();
    wrong.setProperty("password", "wrong");
    assertThatThrownBy(() -> web.connect(URL, wrong))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("Login failed for user 'app'")
        .satisfies(e -> assertThat(((SQLException) e).getErrorCode()).isEqualTo(18456));
  }

  @Test
  void aLargeResultComesWhole() throws Exception {
    serve(TdsResponder.Encryption.OF_LOGIN);
    try (Connection connection = web.connect(URL + ";responseBuffering=adaptive");
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(TdsResponder.MANY)) {
      long sum = 0;
      while (result.next()) {
        sum += result.getInt(1);
      }
      assertThat(sum).isEqualTo(TdsResponder.MANY_ROWS * (TdsResponder.MANY_ROWS + 1L) / 2);
    }
  }

  @Test
  void aQueryTimeoutGoesThroughTheConnectionItself() throws Exception {
    TdsResponder server = serve(TdsResponder.Encryption.OF_LOGIN);
    try (Connection connection = web.connect(URL);
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.execute(TdsResponder.WAITING))
          .isInstanceOf(SQLTimeoutException.class);
      assertThat(server.attentions()).isEqualTo(1);
      assertThat(server.logins()).as("no second connection").isEqualTo(1);
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void aCancelGoesThroughTheConnectionItself() throws Exception {
    TdsResponder server = serve(TdsResponder.Encryption.OF_LOGIN);
    try (Connection connection = web.connect(URL);
        Statement statement = connection.createStatement()) {
      CompletableFuture<Throwable> ended = ending(statement);
      Cast.await("it runs", () -> server.waiting() == 1);
      statement.cancel();
      assertThat(ended.get()).isInstanceOf(SQLException.class).hasMessageContaining("canceled");
      assertThat(server.attentions()).isEqualTo(1);
      assertThat(server.logins()).as("no second connection").isEqualTo(1);
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  private static CompletableFuture<Throwable> ending(Statement statement) {
    return Background.supply(() -> {
      try {
        statement.execute(TdsResponder.WAITING);
        return null;
      } catch (SQLException e) {
        return e;
      }
    });
  }

  @Test
  void aRightThatIsWithdrawnEndsTheStatementAndRefusesTheNextConnection() throws Exception {
    TdsResponder server = serve(TdsResponder.Encryption.OF_LOGIN);
    try (Connection connection = web.connect(URL + ";connectRetryCount=0");
        Statement statement = connection.createStatement()) {
      CompletableFuture<Throwable> ended = ending(statement);
      Cast.await("it runs", () -> server.waiting() == 1);
      plane.deny("web", "db");
      Cast.await("the statement ends", ended::isDone);
      assertThat(ended.get()).isInstanceOf(SQLException.class);
      Cast.await("the server sees the end", () -> server.waiting() == 0);
      Cast.await(
          "the right is gone", () -> !web.mesh().explain(Destination.parse("db")).isAllowed());
      assertThatThrownBy(() -> web.connect(URL + ";connectRetryCount=0"))
          .as("the driver passes on what we say, and not the exception itself")
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("matched the intention default/web => default/db");
    }
  }

  /** Lets the first caller wait until it is told to go on. */
  private static final class SlowOnce extends ServerSocket {
    private final CountDownLatch goOn = new CountDownLatch(1);

    SlowOnce() throws IOException {
      super(0, 50, InetAddress.getLoopbackAddress());
    }

    @Override
    public Socket accept() throws IOException {
      Socket caller = super.accept();
      try {
        goOn.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      return caller;
    }

    @Override
    public void close() throws IOException {
      goOn.countDown();
      super.close();
    }
  }

  /** By itself the driver ends its first attempt after half a second, and tries no second one. */
  @Test
  void theFirstAttemptHasAllOfTheLoginTimeout() throws Exception {
    TdsResponder server =
        cast.keep(
            new TdsResponder(
                TdsResponder.Encryption.OF_LOGIN, plane.plane().caIssue("sql-server")));
    Terminator terminator = cast.keep(new Terminator(cast.client("db"), server.port()));
    SlowOnce front = cast.keep(new SlowOnce());
    cast.keep(new Terminator(front, terminator.port()));
    plane.register("db", "db-1", "127.0.0.1", front.getLocalPort());
    web = JdbcCast.caller(cast, "web");
    Cast.awaitEndpoint(web.mesh(), "db");
    assertThatThrownBy(
            () -> web.connect(URL + ";transparentNetworkIPResolution=true;connectRetryCount=0"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("within");
    CompletableFuture<String> answer =
        Background.supply(() -> {
          try (Connection connection = web.connect(URL)) {
            return one(connection, "SELECT 1");
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        });
    long begun = System.nanoTime();
    Cast.await(
        "more than the driver's half second has passed",
        () -> System.nanoTime() - begun > 1_500_000_000L || answer.isDone());
    assertThat(answer.isDone()).isFalse();
    front.goOn.countDown();
    assertThat(answer.get()).isEqualTo("1");
  }

  /** What a URL says that was not rewritten: the driver's own TLS inside the tunnel. */
  @ParameterizedTest
  @ValueSource(strings = {"encrypt=true", "encrypt=strict"})
  void withTheDriversOwnTlsNoLoginIsSentToAServerThatHasNone(String encrypt) throws Exception {
    TdsResponder server = serve(TdsResponder.Encryption.NOT_SUPPORTED);
    String url =
        MeshJdbcUrl.rewrite(URL, web.options()).replace("encrypt=false", encrypt)
            + ";connectRetryCount=0";
    assertThatThrownBy(
            () -> DriverManager.getConnection(url, DatabaseServer.USER, DatabaseServer.PASSWORD))
        .isInstanceOf(SQLException.class);
    assertThat(server.logins()).isZero();
  }

  /** What the responder cannot show. The database {@code app} need not be there. */
  @Test
  void aRealServerAnswers() throws Exception {
    int port = RealPeers.requireSqlServer();
    Terminator terminator = serve(port);
    Properties login = new Properties();
    login.setProperty("user", System.getProperty("mesh.it.sqlserver.user", "sa"));
    login.setProperty("password", System.getProperty("mesh.it.sqlserver.password", ""));
    int before = terminator.accepted();
    try (Connection connection =
            web.connect("jdbc:sqlserver://db;databaseName=tempdb;loginTimeout=60", login);
        Statement statement = connection.createStatement();
        PreparedStatement prepared =
            connection.prepareStatement(
                "SELECT CONCAT(?, encrypt_option, net_transport) FROM"
                    + " sys.dm_exec_connections WHERE session_id = @@SPID")) {
      prepared.setString(1, "encrypted: ");
      try (ResultSet result = prepared.executeQuery()) {
        assertThat(result.next()).isTrue();
        assertThat(result.getString(1)).isEqualTo("encrypted: FALSETCP");
      }
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.execute(TdsResponder.WAITING))
          .isInstanceOf(SQLTimeoutException.class);
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
    assertThat(terminator.accepted()).as("no second connection").isEqualTo(before + 1);
  }
}
