package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.chain;
import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.tests.JdbcCast.Caller;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A PostgreSQL that presents a certificate of the mesh itself: nothing stands in front of it. */
@ExtendWith(Quiet.class)
class PostgresTlsTest {
  private static String url(int port, Caller caller, String service) {
    return "jdbc:postgresql://127.0.0.1:"
        + port
        + "/app?sslmode=verify-full&sslfactory=io.meshnative.jdbc.PostgresTlsFactory"
        + "&sslhostnameverifier=io.meshnative.jdbc.SpiffeHostnameVerifier&meshService="
        + service
        + "&meshClient="
        + caller.name();
  }

  private static Connection connect(String url) throws SQLException {
    return DriverManager.getConnection(url, DatabaseServer.USER, DatabaseServer.PASSWORD);
  }

  private static String pem(X509Certificate certificate) throws Exception {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void theServerProvesToBeTheServiceAndSeesOurCertificate(TlsKind tls) throws Exception {
    RealPeers.requirePostgres();
    Path directory = Files.createTempDirectory("mesh-postgres-tls");
    DatabaseServer.own(directory);
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane, tls.provider())) {
      IssuedCertificate issued = plane.plane().caIssue("db");
      Path certificate = Files.writeString(directory.resolve("cert.pem"), issued.certPem());
      Path key =
          Files.createFile(
              directory.resolve("key.pem"),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(key, issued.keyPem());
      StringBuilder roots = new StringBuilder();
      for (X509Certificate root : plane.plane().roots()) {
        roots.append(pem(root));
      }
      Path authorities = Files.writeString(directory.resolve("roots.pem"), roots);
      DatabaseServer database =
          cast.keep(
              DatabaseServer.postgres(
                  List.of(
                      "ssl=on",
                      "ssl_cert_file=" + certificate,
                      "ssl_key_file=" + key,
                      "ssl_ca_file=" + authorities),
                  certificate,
                  key,
                  authorities));
      Caller web = JdbcCast.caller(cast, "web");
      try (Connection connection = connect(url(database.port(), web, "db"))) {
        assertThat(
                one(
                    connection,
                    "SELECT ssl || ' ' || version || ' ' || (client_serial IS NOT NULL)"
                        + " FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
            .isEqualTo("true TLSv1.3 true");
      }
      assertThatThrownBy(() -> connect(url(database.port(), web, "other")))
          .isInstanceOf(SQLException.class)
          .satisfies(e ->
              assertThat(chain(e))
                  .anySatisfy(
                      cause -> assertThat(cause).isInstanceOf(PeerIdentityException.class)));
      plane.deny("web", "db");
      Cast.await(
          "the right is gone", () -> !web.mesh().explain(Destination.parse("db")).isAllowed());
      assertThatThrownBy(() -> connect(url(database.port(), web, "db")))
          .isInstanceOf(SQLException.class)
          .satisfies(e ->
              assertThat(chain(e))
                  .anySatisfy(
                      cause -> assertThat(cause).isInstanceOf(MeshAuthorizationException.class)));
    } finally {
      for (String name : List.of("cert.pem", "key.pem", "roots.pem", "")) {
        Files.deleteIfExists(directory.resolve(name));
      }
    }
  }

  /** PostgreSQL 17 speaks TLS from the first byte, as our own listener does. */
  @Test
  void negotiationIsLeftOutWhereTheServerSpeaksTlsFromTheFirstByte() throws Exception {
    RealPeers.requirePostgres();
    try (DatabaseServer database = DatabaseServer.postgres();
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      Terminator direct =
          cast.keep(
              new Terminator(
                  cast.client("db")
                      .listen(Cast.loopback(), ListenOptions.defaults().withAlpn("postgresql")),
                  database.port()));
      Caller web = JdbcCast.caller(cast, "web");
      try (Connection connection =
          connect(
              url(direct.port(), web, "db") + "&sslNegotiation=direct&channelBinding=disable")) {
        assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      }
      assertThat(direct.accepted()).isEqualTo(1);
    }
  }
}
