package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.samples.springboot.SpringBootSample;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code samples/spring-boot}, run as its reader runs it: a process of its own. */
@Timeout(600)
class SpringBootSampleTest {
  private static final Pattern REQUEST =
      Pattern.compile(
          "\\$ curl -i -X (\\w+) http://127\\.0\\.0\\.1:\\d+(/\\S*)\\R +HTTP/1\\.1 (\\d+)");
  private static final List<String> BY_METHOD =
      List.of(
          "DELETE /orders/17 403",
          "GET /orders/17 200",
          "GET /orders/17 403",
          "DELETE /orders/17 200");
  private static final List<String> AS_A_WHOLE =
      List.of("GET /orders/17 200", "GET /orders/17 403", "DELETE /orders/17 200");
  private static final String SERVED = "order 17, for spring-sample-web: a teapot";
  private static final List<String> DATABASE = List.of("GET /orders/17 503", "GET /orders/17 200");

  @TempDir Path directory;

  private static List<String> requests(String told) {
    return REQUEST
        .matcher(told)
        .results()
        .map(found -> found.group(1) + " " + found.group(2) + " " + found.group(3))
        .toList();
  }

  private String run(String consul, Map<String, String> environment) throws Exception {
    return SampleRun.of(SpringBootSample.class, directory, consul, environment, "spring-boot: OK");
  }

  @Test
  void withoutAConsulAndADatabaseItSaysSoAndShowsTheRest() throws Exception {
    String told = run("", Map.of());
    assertThat(requests(told)).isEqualTo(BY_METHOD);
    assertThat(told)
        .contains(SERVED, "mesh-refusal: permission", "H2 in the memory of spring-sample-orders");
  }

  /** A Consul before 1.9 knows no methods; the program says so and shows the rest. */
  @ParameterizedTest
  @EnumSource(names = {"EMBEDDED", "CONSUL"})
  void onAConsulAndWithAPostgresItDoesAllAndLeavesNothingBehind(PlaneKind kind) throws Exception {
    RealPeers.requirePostgres();
    try (Plane plane = kind.start(true);
        DatabaseServer postgres = DatabaseServer.postgres()) {
      try (Connection connection = postgres.connect();
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE DATABASE orders");
      }
      String told =
          run(
              plane.httpAddr(),
              Map.of(
                  "ORDERS_DB",
                  "127.0.0.1:" + postgres.port(),
                  "SPRING_DATASOURCE_USERNAME",
                  DatabaseServer.USER,
                  "SPRING_DATASOURCE_PASSWORD",
                  DatabaseServer.PASSWORD));
      boolean methods =
          plane.api().send("GET", "/v1/config/service-intentions", "").statusCode() == 200;
      List<String> expected = new ArrayList<>(methods ? BY_METHOD : AS_A_WHOLE);
      expected.addAll(DATABASE);
      assertThat(requests(told)).isEqualTo(expected);
      assertThat(told)
          .contains(SERVED, "may not call spring-sample-orders-db now: matched the intention")
          .contains(
              methods
                  ? "mesh-refusal: permission"
                  : "older than 1.9 and knows no methods in intentions");
      SampleRun.assertNothingLeft(plane, "spring-sample");
    }
  }
}
