package io.meshnative.spring.boot.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.DatabaseCredentials;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.jdbc.RefreshingCredentials;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

@EmbeddedMesh
class DataSourcesTest {
  private static final Pattern CLIENT = Pattern.compile("meshClient=([A-Za-z0-9._-]+)");

  private final ApplicationContextRunner runner;

  DataSourcesTest(EmbeddedControlPlane plane) {
    runner =
        new ApplicationContextRunner()
            .withConfiguration(
                AutoConfigurations.of(
                    MeshAutoConfiguration.class,
                    MeshJdbcAutoConfiguration.class,
                    DataSourceAutoConfiguration.class))
            .withPropertyValues(
                "mesh-native.service=web",
                "mesh-native.consul.address=" + plane.httpAddr(),
                "spring.datasource.username=app");
  }

  private static String url(DataSource source) {
    return ((HikariDataSource) source).getJdbcUrl();
  }

  private static String client(String url) {
    Matcher named = CLIENT.matcher(url);
    assertThat(named.find()).as(url).isTrue();
    return named.group(1);
  }

  @Test
  void aMeshHostInThePropertiesReachesThePoolRewrittenForThisApplicationsClient() {
    AtomicReference<String> name = new AtomicReference<>();
    runner
        .withPropertyValues(
            "spring.datasource.url=jdbc:postgresql://db.mesh:5432/app?ApplicationName=x")
        .run(context -> {
          String url = url(context.getBean(DataSource.class));
          assertThat(url)
              .startsWith("jdbc:postgresql://localhost:5432/app?")
              .contains("meshService=db", "sslmode=disable", "ApplicationName=x")
              .contains("socketFactory=io.meshnative.jdbc.PostgresSocketFactory");
          assertThat(MeshClients.find(client(url))).containsSame(context.getBean(MeshClient.class));
          assertThat(context.getBean(HikariDataSource.class).getUsername()).isEqualTo("app");
          assertThat(context.getBean(JdbcConnectionDetails.class).getDriverClassName())
              .isEqualTo("org.postgresql.Driver");
          assertThat(context.getBean(MeshHikariPools.class).guarded()).isEqualTo(1);
          name.set(client(url));
        });
    assertThat(MeshClients.find(name.get())).isEmpty();
  }

  @Test
  void otherHostsAreLeftAlone() {
    for (String url :
        new String[] {
          "jdbc:postgresql://localhost/app",
          "jdbc:postgresql://127.0.0.1:5432/app?sslmode=require",
          "jdbc:postgresql://db.example.com/mesh.mesh",
          "jdbc:postgresql://db/app"
        }) {
      runner
          .withPropertyValues("spring.datasource.url=" + url)
          .run(context -> {
            assertThat(url(context.getBean(DataSource.class))).isEqualTo(url);
            assertThat(context.getBean(MeshHikariPools.class).guarded()).isZero();
          });
    }
  }

  @Test
  void consulsNamesAndTheApplicationsOwnSuffixCountAsForHttp() {
    runner
        .withPropertyValues("spring.datasource.url=jdbc:postgresql://db.service.consul/app")
        .run(context ->
            assertThat(url(context.getBean(DataSource.class))).contains("meshService=db"));
    runner
        .withPropertyValues(
            "mesh-native.client.consul-names=false",
            "spring.datasource.url=jdbc:postgresql://db.service.consul/app")
        .run(context ->
            assertThat(url(context.getBean(DataSource.class)))
                .isEqualTo("jdbc:postgresql://db.service.consul/app"));
    runner
        .withPropertyValues(
            "mesh-native.client.host-suffix=.internal",
            "spring.datasource.url=jdbc:postgresql://db.internal:6432/app")
        .run(context ->
            assertThat(url(context.getBean(DataSource.class)))
                .startsWith("jdbc:postgresql://localhost:6432/app?")
                .contains("meshService=db"));
  }

  @Test
  void detailsOfAContainerWinAndAreLeftAlone() {
    runner
        .withPropertyValues("spring.datasource.url=jdbc:postgresql://db.mesh/app")
        .withBean(JdbcConnectionDetails.class, () -> new Container())
        .run(context -> {
          assertThat(url(context.getBean(DataSource.class)))
              .isEqualTo("jdbc:postgresql://localhost:32768/test");
          assertThat(context.getBean(JdbcConnectionDetails.class)).isInstanceOf(Container.class);
        });
  }

  private record Container() implements JdbcConnectionDetails {
    @Override
    public String getUsername() {
      return "test";
    }

    @Override
    public String getPassword() {
      return "test";
    }

    @Override
    public String getJdbcUrl() {
      return "jdbc:postgresql://localhost:32768/test";
    }
  }

  @Test
  void aPoolOfTheApplicationsOwnIsRewrittenToo() {
    runner
        .withBean(
            HikariDataSource.class,
            () -> {
              HikariDataSource own = new HikariDataSource();
              own.setJdbcUrl("jdbc:postgresql://orders.mesh/app");
              return own;
            })
        .run(context -> {
          assertThat(url(context.getBean(DataSource.class))).contains("meshService=orders");
          assertThat(context.getBean(MeshHikariPools.class).guarded()).isEqualTo(1);
        });
  }

  @Test
  void whatDoesNotGoTogetherWithTheMeshFailsTheStart() {
    for (String url :
        new String[] {
          "jdbc:postgresql://db.mesh/app?sslmode=require",
          "jdbc:postgresql://db.mesh,db.example.com/app",
          "jdbc:postgresql://db.mesh/app?meshServce=other",
          // What a driver may take for a mesh host is never left alone.
          "jdbc:mysql+srv://db.mesh/app",
          "jdbc:mariadb:load-balance://db.mesh/app",
          "jdbc:p6spy:postgresql://db.mesh/app",
          "jdbc:postgresql://db%2Emesh/app",
          "jdbc:postgresql://localhost/app?PGHOST=db.mesh",
          "jdbc:sqlserver://;serverName=db.mesh",
          "jdbc:postgresql://a.mesh,b.mesh/app"
        }) {
      runner
          .withPropertyValues("spring.datasource.url=" + url)
          .run(context ->
              assertThat(context)
                  .getFailure()
                  .rootCause()
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("expected"));
    }
  }

  @Test
  void aDotAtTheEndChangesNothing() {
    runner
        .withPropertyValues("spring.datasource.url=jdbc:postgresql://db.mesh./app")
        .run(context ->
            assertThat(url(context.getBean(DataSource.class))).contains("meshService=db"));
  }

  @Test
  void severalServicesAreTheDriversToChooseAmongWhereThatIsMeant() {
    runner
        .withPropertyValues(
            "mesh-native.client.host-suffix=.internal",
            "spring.datasource.url=jdbc:postgresql://a.internal,b.internal/app"
                + "?meshMultiHost=true&targetServerType=primary")
        .run(context ->
            assertThat(url(context.getBean(DataSource.class)))
                .matches("jdbc:postgresql://localhost:\\d+,localhost:\\d+/app\\?.*")
                .contains("meshService=a,b"));
  }

  @Test
  void aSecondWayToSayWhereTheDatabaseIsFailsTheStart() {
    for (String more :
        new String[] {
          "spring.datasource.hikari.data-source-class-name=org.postgresql.ds.PGSimpleDataSource",
          "spring.datasource.hikari.data-source-properties.socketFactory=x.Y",
          "spring.datasource.hikari.data-source-properties.PGHOST=db.example.com",
          "spring.flyway.url=jdbc:postgresql://db.mesh/app",
          "spring.liquibase.url=jdbc:postgresql://db.service.consul/app"
        }) {
      runner
          .withPropertyValues("spring.datasource.url=jdbc:postgresql://db.mesh/app", more)
          .run(context ->
              assertThat(context)
                  .as(more)
                  .getFailure()
                  .rootCause()
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("expected"));
    }
  }

  /** As the pools of {@code MeshHikari} do, and with the settings of Boot's. */
  @Test
  void aPoolOfBootFollowsTheMesh(EmbeddedControlPlane plane) {
    runner
        .withPropertyValues(
            "spring.datasource.url=jdbc:postgresql://db.mesh/app",
            "spring.datasource.hikari.pool-name=orders",
            "spring.datasource.hikari.maximum-pool-size=3",
            "spring.datasource.hikari.connection-timeout=600000")
        .run(context -> {
          HikariDataSource pool = context.getBean(HikariDataSource.class);
          assertThat(pool.getClass()).isNotEqualTo(HikariDataSource.class);
          assertThat(pool.getPoolName()).isEqualTo("orders");
          assertThat(pool.getMaximumPoolSize()).isEqualTo(3);
          assertThat(pool.isRunning()).as("before anybody borrows").isFalse();
          plane.deny("web", "db");
          MeshClient mesh = context.getBean(MeshClient.class);
          Awaitility.await()
              .atMost(Duration.ofSeconds(60))
              .until(() -> !mesh.explain(Destination.parse("db")).isAllowed());
          assertThatThrownBy(pool::getConnection)
              .isInstanceOf(SQLException.class)
              .hasMessageContaining("web may not call db now");
          plane.remove("web", "db");
        });
  }

  /** Where a pool names no user, the application's one source of users does. */
  @Test
  void aPoolWithoutAUserTakesThoseOfTheApplicationsSource() {
    AtomicReference<HikariDataSource> ended = new AtomicReference<>();
    RefreshingCredentials[] users = {null};
    ApplicationContextRunner nobody =
        runner.withPropertyValues("spring.datasource.url=jdbc:postgresql://db.mesh/app");
    nobody
        .withPropertyValues("spring.datasource.username=")
        .withBean(
            RefreshingCredentials.class,
            () -> {
              try {
                users[0] =
                    RefreshingCredentials.start(() ->
                        new DatabaseCredentials("v_app", "p", Optional.empty(), Optional.empty()));
                return users[0];
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
        .run(context -> {
          HikariDataSource pool = context.getBean(HikariDataSource.class);
          assertThat(pool.getCredentialsProvider().getCredentials().getUsername())
              .isEqualTo("v_app");
          ended.set(pool);
        });
    assertThat(ended.get().isClosed()).as("with its context").isTrue();
    nobody
        .withBean(RefreshingCredentials.class, () -> users[0])
        .run(context -> {
          HikariDataSource pool = context.getBean(HikariDataSource.class);
          assertThat(pool.getCredentialsProvider()).as("a user that is named counts").isNull();
          assertThat(pool.getUsername()).isEqualTo("app");
        });
  }

  @Test
  void whatIsMissingOrSwitchedOffTakesTheRewritingWithIt() {
    String untouched = "jdbc:postgresql://localhost/app";
    ApplicationContextRunner local =
        runner.withPropertyValues("spring.datasource.url=" + untouched);
    local
        .withClassLoader(new FilteredClassLoader(MeshJdbcUrl.class))
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(MeshJdbcUrls.class));
    local
        .withClassLoader(new FilteredClassLoader(HikariDataSource.class))
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("meshHikariPools"));
    local
        .withPropertyValues("mesh-native.client.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(MeshJdbcUrls.class));
    local
        .withPropertyValues("mesh-native.enabled=false")
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(MeshJdbcUrls.class));
  }
}
