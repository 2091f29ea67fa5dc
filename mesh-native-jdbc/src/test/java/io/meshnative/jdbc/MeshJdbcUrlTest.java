package io.meshnative.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MeshJdbcUrlTest {
  private static String rewrite(String url) {
    return MeshJdbcUrl.rewrite(url);
  }

  @Test
  void postgresqlGetsItsFactoryAndNoTlsOfItsOwn() {
    assertThat(rewrite("jdbc:postgresql://orders-db:5432/app?user=app&ApplicationName=a%20b"))
        .isEqualTo(
            "jdbc:postgresql://localhost:5432/app?user=app&ApplicationName=a%20b"
                + "&cancelSignalTimeout=2&channelBinding=disable&sslmode=disable&gssEncMode=disable"
                + "&socketFactory=io.meshnative.jdbc.PostgresSocketFactory&meshService=orders-db");
  }

  @Test
  void mysqlGetsItsFactoryAndNoTlsOfItsOwn() {
    assertThat(rewrite("jdbc:mysql://orders-db/app?useUnicode=true"))
        .isEqualTo(
            "jdbc:mysql://localhost/app?useUnicode=true&sslMode=DISABLED"
                + "&socketFactory=io.meshnative.jdbc.MySqlSocketFactory&meshService=orders-db");
  }

  @Test
  void mariadbGetsItsFactoryAndNoTlsOfItsOwnAndFollowsNoRedirect() {
    assertThat(rewrite("jdbc:mariadb://orders-db/app"))
        .isEqualTo(
            "jdbc:mariadb://localhost/app?sslMode=disable&permitRedirect=false&useIpForKillQuery=true"
                + "&socketFactory=io.meshnative.jdbc.MariaDbSocketFactory&meshService=orders-db");
  }

  @Test
  void sqlServerGetsItsFactoryWithAllInItsArgument() {
    assertThat(
            rewrite(
                "jdbc:sqlserver://orders-db:1433;databaseName=app;password={a;b}};c};meshClient=web"))
        .isEqualTo(
            "jdbc:sqlserver://localhost:1433;databaseName=app;password={a;b}};c}"
                + ";transparentNetworkIPResolution=false;encrypt=false"
                + ";socketFactoryClass=io.meshnative.jdbc.SqlServerSocketFactory"
                + ";socketFactoryConstructorArg=orders-db?meshClient=web");
  }

  @Test
  void theOptionsNameWhatTheUrlDoesNot() {
    MeshJdbcOptions options =
        MeshJdbcOptions.defaults()
            .withService("db")
            .withClient("orders")
            .withDatacenter("dc2")
            .withNamespace("team")
            .withPartition("eu")
            .withSticky(false);
    assertThat(MeshJdbcUrl.rewrite("jdbc:postgresql://localhost/app", options))
        .endsWith(
            "&meshService=db&meshClient=orders&meshDatacenter=dc2&meshNamespace=team"
                + "&meshPartition=eu&meshSticky=false");
    assertThat(MeshJdbcUrl.rewrite("jdbc:sqlserver://", options))
        .endsWith(
            ";socketFactoryConstructorArg=db?meshClient=orders&meshDatacenter=dc2"
                + "&meshNamespace=team&meshPartition=eu&meshSticky=false");
  }

  @ParameterizedTest
  @CsvSource({
    "db, meshService=db",
    "db.mesh, meshService=db",
    "db.service.consul, meshService=db",
    "db.virtual.consul, meshService=db",
    "db.service.dc2.consul, meshService=db&meshDatacenter=dc2",
  })
  void theHostNamesTheServiceAsConsulDoes(String host, String expected) {
    assertThat(rewrite("jdbc:mysql://" + host + "/app")).endsWith("&" + expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://db/app?sslmode=require",
        "jdbc:postgresql://db/app?sslMode=disable",
        "jdbc:postgresql://db/app?ssl=true",
        "jdbc:postgresql://db/app?ssl",
        "jdbc:postgresql://db/app?sslrootcert=/etc/ca.pem",
        "jdbc:postgresql://db/app?sslfactory=x.Y",
        "jdbc:postgresql://db/app?sslNegotiation=direct",
        "jdbc:postgresql://db/app?channelBinding=require",
        "jdbc:postgresql://db/app?gssEncMode=prefer",
        "jdbc:postgresql://db/app?socketFactory=x.Y",
        "jdbc:postgresql://db/app?PGHOST=db.example.com",
        "jdbc:postgresql://db/app?host=db.example.com",
        "jdbc:postgresql://db/app?service=other",
        "jdbc:postgresql://db,db2/app",
        "jdbc:postgresql://db/app?user=a&user=b",
        "jdbc:postgresql://db/app?socketFactory=a&socketfactory=b",
        "jdbc:postgresql://db/app?meshservice=db",
        "jdbc:postgresql://db/app?meshService=other",
        "jdbc:postgresql://db/app?socketFactoryArg=other",
        "jdbc:postgresql://db/app?meshSticky=maybe",
        "jdbc:postgresql://db/app?%73slmode=require",
        "jdbc:postgresql:app",
        "jdbc:postgresql:///app",
        "jdbc:postgresql://localhost/app",
        "jdbc:postgresql://LOCALHOST/app",
        "jdbc:postgresql://127.0.0.1/app",
        "jdbc:postgresql://[::1]/app",
        "jdbc:postgresql://db.example.com/app",
        "jdbc:postgresql://user@db/app",
        "jdbc:mysql://db/app?useSSL=true",
        "jdbc:mysql://db/app?USESSL=TRUE",
        "jdbc:mysql://db/app?sslmode=PREFERRED",
        "jdbc:mysql://db/app?requireSSL=true",
        "jdbc:mysql://db/app?dnsSrv=true",
        "jdbc:mysql://db/app?trustCertificateKeyStoreUrl=file:ca",
        "jdbc:mysql://db/app?propertiesTransform=x.Y",
        "jdbc:mysql://db/app?socksProxyHost=proxy",
        "jdbc:mysql://db/app?a=b#fragment",
        "jdbc:mysql://(host=db.example.com)/app",
        "jdbc:mysql://address=(host=db.example.com)/app",
        "jdbc:mysql:loadbalance://db,db2/app",
        "jdbc:mysql:replication://db,db2/app",
        "jdbc:mysql+srv://db/app",
        "jdbc:mysql://db/app?permitMysqlScheme",
        "jdbc:mariadb://db/app?sslMode=trust",
        "jdbc:mariadb://db/app?useSsl=true",
        "jdbc:mariadb://db/app?permitRedirect=true",
        "jdbc:mariadb://db/app?localSocket=/run/mysqld.sock",
        "jdbc:mariadb://db/app?useIpForKillQuery=false",
        "jdbc:mariadb:sequential://db,db2/app",
        "jdbc:sqlserver://db;encrypt=true",
        "jdbc:sqlserver://db;encrypt=strict",
        "jdbc:sqlserver://db;Encrypt={strict}",
        "jdbc:sqlserver://db;serverName=db.example.com",
        "jdbc:sqlserver://db;instanceName=x",
        "jdbc:sqlserver://db\\x",
        "jdbc:sqlserver://db;failoverPartner=other",
        "jdbc:sqlserver://db;multiSubnetFailover=true",
        "jdbc:sqlserver://db;trustStore=/etc/ca",
        "jdbc:sqlserver://db;socketFactoryClass=x.Y",
        "jdbc:sqlserver://db;socketFactoryConstructorArg=other",
        "jdbc:sqlserver://db;databaseName={app",
        "jdbc:sqlserver://db;databaseName={app}x",
        "jdbc:sqlserver://db;databaseName=a{b;encrypt=true}",
        "jdbc:sqlserver://db;encrypt",
        "jdbc:sqlserver://db; serverName=db.example.com",
        "jdbc:sqlserver://db/app",
        "jdbc:oracle:thin:@//db/app",
        "postgresql://db/app",
        "",
      })
  void whatDoesNotGoTogetherWithTheMeshIsRefused(String url) {
    assertThatThrownBy(() -> rewrite(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected ")
        .hasMessageContaining("found ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://db/app?sslmode=disable&ssl=false&channelBinding=prefer",
        "jdbc:mysql://db/app?SSLMODE=disabled&useSSL=false",
        "jdbc:mariadb://db/app?useSsl=false&useIpForKillQuery=true",
        "jdbc:sqlserver://db;encrypt=no;trustServerCertificate=true;multiSubnetFailover=false",
      })
  void whatSaysTheSameAlreadyIsNoConflict(String url) {
    assertThat(rewrite(url)).contains("localhost");
  }

  @Test
  void aConflictNamesBothValues() {
    assertThatThrownBy(() -> rewrite("jdbc:postgresql://db/app?sslmode=verify-full"))
        .hasMessageContaining("sslmode=disable")
        .hasMessageContaining("sslmode=verify-full");
    assertThatThrownBy(() -> rewrite("jdbc:mysql://db/app?meshService=other"))
        .hasMessageContaining("found db")
        .hasMessageContaining("other in the URL");
    assertThatThrownBy(() ->
            MeshJdbcUrl.rewrite(
                "jdbc:mysql://db/app?meshClient=a", MeshJdbcOptions.defaults().withClient("b")))
        .hasMessageContaining("found a in the URL")
        .hasMessageContaining("b in the options");
    assertThatThrownBy(() -> rewrite("jdbc:sqlserver://db;socketFactoryClass=x.Y"))
        .hasMessageContaining("socketFactoryClass=io.meshnative.jdbc.SqlServerSocketFactory")
        .hasMessageContaining("socketFactoryClass=x.Y");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://db/app?password=s3cret&password=s3cret2",
        "jdbc:postgresql://app:s3cret@db/app",
        "jdbc:mysql://db/app?password=s3cret#x",
        "jdbc:mariadb://db/app?trustStorePassword=s3cret",
        "jdbc:sqlserver://db;password={s3cret;encrypt=true",
        "jdbc:sqlserver://db;s3cret",
        "jdbc:oracle:thin:app/s3cret@//db/app",
      })
  void noMessageHoldsAPassword(String url) {
    assertThatThrownBy(() -> rewrite(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void severalServicesGetAPortEachThatNobodyDialsWhereThatIsMeant() {
    String url =
        "jdbc:postgresql://orders-a:5432,orders-b.mesh/app?targetServerType=primary&meshMultiHost=true";
    String rewritten = rewrite(url);
    assertThat(rewritten)
        .matches(
            "jdbc:postgresql://localhost:\\d+,localhost:\\d+/app\\?targetServerType=primary&.*")
        .endsWith("&meshService=orders-a,orders-b&meshMultiHost=true");
    assertThat(rewrite(rewritten)).isEqualTo(rewritten);
    MeshTarget target = MeshJdbcUrl.target(rewritten, MeshJdbcOptions.defaults());
    assertThat(target.ports().values())
        .extracting("service")
        .containsExactly("orders-a", "orders-b");
    target
        .ports()
        .forEach((port, service) ->
            assertThat(target.at(InetSocketAddress.createUnresolved("localhost", port)))
                .isEqualTo(service));
    assertThatThrownBy(() -> target.at(InetSocketAddress.createUnresolved("localhost", 0)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(
            MeshJdbcUrl.rewrite(
                "jdbc:postgresql://orders-a,orders-b/app?targetServerType=primary",
                MeshJdbcOptions.defaults().withMultiHost(true)))
        .isEqualTo(rewritten);
    // One is one, whatever is allowed.
    assertThat(rewrite("jdbc:postgresql://db/app?meshMultiHost=true"))
        .isEqualTo(rewrite("jdbc:postgresql://db/app"));
  }

  @Test
  void aServiceHasItsPortInWhateverUrlItIsAndOthersHaveAnother() {
    assertThat(rewrite("jdbc:postgresql://a,b/app?meshMultiHost=true").split("[/?]")[2])
        .isEqualTo("localhost:16900,localhost:16901");
    assertThat(rewrite("jdbc:postgresql://c,b/app?meshMultiHost=true").split("[/?]")[2])
        .isEqualTo("localhost:16902,localhost:16901");
  }

  @Test
  void severalServicesAreRefusedWithAllTheirNamesUnlessTheyAreMeant() {
    assertThatThrownBy(() -> rewrite("jdbc:postgresql://orders-a,orders-b/app"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("meshMultiHost=true")
        .hasMessageContaining("found orders-a and orders-b");
    for (String url :
        List.of(
            "jdbc:postgresql://a,localhost/app?meshMultiHost=true",
            "jdbc:postgresql://a,db.example.com/app?meshMultiHost=true",
            "jdbc:postgresql://a,10.0.0.1/app?meshMultiHost=true",
            "jdbc:postgresql://a,a/app?meshMultiHost=true",
            "jdbc:postgresql://a,/app?meshMultiHost=true",
            "jdbc:postgresql://a.service.dc1.consul,b.service.dc2.consul/app?meshMultiHost=true",
            "jdbc:postgresql://localhost,localhost/app?meshService=db",
            "jdbc:postgresql://a,b/app?meshMultiHost=perhaps",
            "jdbc:mysql://a,b/app?meshMultiHost=true",
            "jdbc:mysql://localhost/app?meshService=a,b&meshMultiHost=true",
            "jdbc:mariadb://a,b/app?meshMultiHost=true",
            "jdbc:sqlserver://localhost;socketFactoryConstructorArg=a,b?meshMultiHost=true")) {
      assertThatThrownBy(() -> rewrite(url))
          .as(url)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected ")
          .hasMessageContaining("found ");
    }
  }

  @Test
  void aServiceWithADotIsNamedByItsParameter() {
    assertThat(rewrite("jdbc:postgresql://localhost/app?meshService=db.v2"))
        .endsWith("&meshService=db.v2");
  }

  @Test
  void theLimitOfCancelsIsTheUsersWhereHeSetsOne() {
    assertThat(rewrite("jdbc:postgresql://db/app?cancelSignalTimeout=5"))
        .contains("?cancelSignalTimeout=5&")
        .doesNotContain("cancelSignalTimeout=2");
  }

  @Test
  void propertiesBesideTheUrlMayNotContradictIt() {
    String url = rewrite("jdbc:mysql://db/app");
    MeshJdbcUrl.checkProperties(url, Map.of("user", "app", "cachePrepStmts", "true"));
    MeshJdbcUrl.checkProperties(url, Map.of("sslMode", "DISABLED", "meshService", "db"));
    for (Map<String, String> properties :
        List.of(
            Map.of("sslMode", "REQUIRED"),
            Map.of("meshService", "other"),
            Map.of("meshClient", "other"),
            Map.of("socketFactory", "x.Y"),
            Map.of("socketfactory", "x.Y"),
            Map.of("dnsSrv", "true"))) {
      assertThatThrownBy(() -> MeshJdbcUrl.checkProperties(url, properties))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("found ");
    }
  }
}
