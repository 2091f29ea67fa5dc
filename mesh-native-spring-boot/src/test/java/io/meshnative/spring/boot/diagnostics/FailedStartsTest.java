package io.meshnative.spring.boot.diagnostics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

/** Applications that fail to start, by {@link SpringApplication}, and what they print then. */
@ExtendWith(OutputCaptureExtension.class)
class FailedStartsTest {
  private static final String BANNER = "APPLICATION FAILED TO START";

  private static EmbeddedControlPlane plane;

  @BeforeAll
  static void open() {
    plane = EmbeddedControlPlane.start();
  }

  @AfterAll
  static void close() {
    plane.close();
  }

  @BeforeEach
  void forget() {
    plane.faults().reset();
    plane.removeIntentions().defaultAllow(true);
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  static class Bare {}

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  static class Served {
    @Bean
    ServletWebServerFactory factory() {
      return new TomcatServletWebServerFactory();
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class WithDatabase {
    @Bean
    ApplicationRunner migration(DataSource database) {
      return arguments -> {
        try (Connection connection = database.getConnection()) {
          throw new SQLException("expected no connection, found " + connection);
        }
      };
    }
  }

  private static String[] arguments(String... properties) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("mesh-native.service", "web");
    all.put("mesh-native.consul.address", plane.httpAddr());
    all.put("spring.main.banner-mode", "off");
    all.put("spring.datasource.username", "app");
    all.put("server.port", "0");
    all.put("server.address", "127.0.0.1");
    for (String property : properties) {
      int end = property.indexOf('=');
      all.put(property.substring(0, end), property.substring(end + 1));
    }
    return all.entrySet().stream()
        .map(each -> "--" + each.getKey() + "=" + each.getValue())
        .toArray(String[]::new);
  }

  private static ConfigurableApplicationContext start(
      Class<?> application, WebApplicationType type, String... properties) {
    SpringApplication starting = new SpringApplication(application);
    starting.setWebApplicationType(type);
    return starting.run(arguments(properties));
  }

  /** Fails to start, with a report that holds all this, and no stack trace. */
  private static void fails(
      CapturedOutput output, Class<?> application, List<String> expected, String... properties) {
    WebApplicationType type =
        application == Served.class ? WebApplicationType.SERVLET : WebApplicationType.NONE;
    assertThatThrownBy(() -> start(application, type, properties).close()).isNotNull();
    assertThat(output.getOut()).contains(BANNER, "Description:", "Action:").contains(expected);
    assertThat(output.getOut().substring(output.getOut().indexOf(BANNER)))
        .doesNotContain("\tat io.meshnative", "secret-of-a-token");
  }

  @Test
  void withoutAName(CapturedOutput output) {
    fails(
        output,
        Bare.class,
        List.of("mesh-native.service", "spring.application.name", "consul catalog services"),
        "mesh-native.service=");
  }

  @Test
  void withoutAnAgent(CapturedOutput output) {
    fails(
        output,
        Bare.class,
        List.of(
            "127.0.0.1:1",
            "mesh-native.consul.address",
            "mesh-native.startup=background",
            "consul members"),
        "mesh-native.consul.address=http://127.0.0.1:1",
        "mesh-native.startup-timeout=5s");
  }

  @Test
  void withATokenThatIsRefused(CapturedOutput output) {
    try (EmbeddedControlPlane guarded =
        EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start()) {
      fails(
          output,
          Bare.class,
          List.of(
              "403",
              "mesh-native.consul.token-file",
              "service \"web\" { policy = \"write\" }",
              "consul acl token read -self"),
          "mesh-native.consul.address=" + guarded.httpAddr(),
          "mesh-native.consul.token=" + guarded.tokenWithRules(""),
          "mesh-native.startup-timeout=8s");
    }
  }

  @Test
  void withATokenWhereThereAreNone(CapturedOutput output) {
    plane.faults().status("/v1/agent/connect/ca/leaf/", 401, "ACL support disabled");
    fails(
        output,
        Bare.class,
        List.of("401", "ACLs are off", "mesh-native.consul.token", "consul info"),
        "mesh-native.consul.token=secret-of-a-token",
        "mesh-native.startup-timeout=8s");
  }

  @Test
  void withoutALeaf(CapturedOutput output) {
    plane
        .faults()
        .status("/v1/agent/connect/ca/leaf/", 500, "internal error: CA is not configured");
    fails(
        output,
        Bare.class,
        List.of(
            "CA is not configured",
            "issues no certificate to mesh-native.service=web",
            "connect { enabled = true }",
            "curl -i $CONSUL_HTTP_ADDR/v1/agent/connect/ca/leaf/web"),
        "mesh-native.startup-timeout=8s");
  }

  @Test
  void withTheTlsOfADriverStillOn(CapturedOutput output) {
    fails(
        output,
        WithDatabase.class,
        List.of("sslmode", "spring.datasource.url", "driver's TLS is off", "grep -rnE"),
        "spring.datasource.url=jdbc:postgresql://db.mesh/app?sslmode=require");
  }

  @Test
  void withTheTlsOfADriverStillOnInThePoolsOwnProperties(CapturedOutput output) {
    fails(
        output,
        WithDatabase.class,
        List.of("sslmode", "spring.datasource.hikari.data-source-properties"),
        "spring.datasource.url=jdbc:postgresql://db.mesh/app",
        "spring.datasource.hikari.data-source-properties.sslmode=require");
  }

  @Test
  void withTlsOfItsOwnOnTheConnectorOfTheMesh(CapturedOutput output) {
    fails(
        output,
        Served.class,
        List.of("mesh-native.server.mode=primary", "server.ssl.*", "grep -rnE"),
        "mesh-native.server.mode=primary",
        "server.ssl.enabled=true",
        "server.ssl.certificate=none.pem",
        "server.ssl.certificate-private-key=none.pem");
  }

  @ParameterizedTest
  @ValueSource(strings = {"primary", "additional"})
  void withThePortOfTheMeshTaken(String mode, CapturedOutput output) throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      String port = String.valueOf(taken.getLocalPort());
      fails(
          output,
          Served.class,
          mode.equals("primary")
              ? List.of(port)
              : List.of("mesh-native.server.port=" + port, "server.port=0", "ss -ltnp"),
          "mesh-native.server.mode=" + mode,
          (mode.equals("primary") ? "server.port=" : "mesh-native.server.port=") + port);
    }
  }

  @Test
  void withADatabaseThatNobodyKnows(CapturedOutput output) {
    fails(
        output,
        WithDatabase.class,
        List.of(
            "no endpoint in the mesh",
            "spring.datasource.url",
            "mesh-native.client.host-suffix",
            "consul catalog nodes -service=nobody"),
        "spring.datasource.url=jdbc:postgresql://nobody.mesh/app");
  }

  @Test
  void withADatabaseThatIntentionsDeny(CapturedOutput output) {
    plane.register("db", "db-1", "127.0.0.1", 1).deny("web", "db");
    fails(
        output,
        WithDatabase.class,
        List.of(
            "intentions do not let it call",
            "spring.datasource.url",
            "consul intention create -allow web db",
            "consul intention check web db"),
        "spring.datasource.url=jdbc:postgresql://db.mesh/app");
  }

  @Test
  void aMainConnectorOfTheMeshThatNoProbeReachesIsWarnedOf(CapturedOutput output) {
    start(Served.class, WebApplicationType.SERVLET, "mesh-native.server.mode=primary").close();
    assertThat(output.getOut())
        .contains("probes cannot reach", "management.server.port", "mesh-native.register.enabled");
  }
}
