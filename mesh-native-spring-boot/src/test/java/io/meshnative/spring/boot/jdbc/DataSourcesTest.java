package io.meshnative.spring.boot.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
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
          "jdbc:postgresql://db.mesh/app?meshServce=other"
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
