package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CatalogTest {
  private final EmbeddedControlPlane plane = EmbeddedControlPlane.start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  private int shown(String query) {
    return agent.get("/v1/health/" + query).list().size();
  }

  @Test
  void passingLeavesOutWhatWarnsAndWithoutItAllAreShown() {
    plane.register("billing", "b1", "10.0.0.1", 1).register("billing", "b2", "10.0.0.2", 2);
    plane.setHealth("b1", "warning").setHealth("b2", "critical");

    assertThat(shown("connect/billing")).isEqualTo(2);
    assertThat(shown("connect/billing?passing")).isZero();
    assertThat(shown("connect/billing?passing=false")).isEqualTo(2);
    plane.setHealth("b1", "passing");
    assertThat(shown("connect/billing?passing=1")).isEqualTo(1);
  }

  @Test
  void aSidecarStandsForItsServiceInConnectQueriesOnly() {
    plane.registerSidecar("web", "web-sidecar", "10.0.0.1", 21000);

    assertThat(
            agent
                .get("/v1/health/connect/web")
                .text(0, "Service", "Proxy", "DestinationServiceName"))
        .isEqualTo("web");
    assertThat(shown("service/web")).isZero();
    assertThat(shown("service/web-sidecar-proxy")).isEqualTo(1);
  }

  @Test
  void hostileRowsAreShownAsTheyWereWished() {
    plane.register(
        ServiceRow.nativeService("evil", "e1", "10.6.6.6", 666)
            .listedAs("billing")
            .datacenter("dc9")
            .weights(9, 3));

    Agent.Answer rows = agent.get("/v1/health/connect/billing");

    assertThat(rows.text(0, "Service", "Service")).isEqualTo("evil");
    assertThat(rows.text(0, "Node", "Datacenter")).isEqualTo("dc9");
    assertThat(rows.at(0, "Service", "Weights", "Passing")).isEqualTo(9L);
    assertThat(shown("connect/evil")).isZero();
  }

  @Test
  void aTtlCheckStartsCriticalAndFollowsItsUpdates() {
    assertThat(
            agent
                .put(
                    "/v1/agent/service/register",
                    "{\"name\":\"pay\",\"port\":1,\"connect\":{\"native\":true},"
                        + "\"check\":{\"check_id\":\"ttl\",\"ttl\":\"30s\"}}")
                .status())
        .isEqualTo(200);
    assertThat(shown("connect/pay?passing")).isZero();

    agent.put("/v1/agent/check/pass/ttl", "");
    assertThat(shown("connect/pay?passing")).isEqualTo(1);

    agent.put("/v1/agent/check/update/ttl", "{\"Status\":\"warning\",\"Output\":\"hot\"}");
    Agent.Answer rows = agent.get("/v1/health/connect/pay");
    assertThat(rows.text(0, "Checks", 1, "Status")).isEqualTo("warning");
    assertThat(rows.text(0, "Checks", 1, "Output")).isEqualTo("hot");
  }

  @Test
  void aTtlThatRunsOutWakesTheWatch() {
    AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-20T12:00:00Z"));
    InstantSource source = now::get;
    try (var timed =
        EmbeddedControlPlane.builder().clock(source.withZone(ZoneOffset.UTC)).start()) {
      Agent client = new Agent(timed);
      client.put(
          "/v1/agent/service/register",
          "{\"Name\":\"pay\",\"Port\":1,\"Connect\":{\"Native\":true},"
              + "\"Check\":{\"TTL\":\"30s\",\"Status\":\"passing\"}}");
      Agent.Answer first = client.get("/v1/health/connect/pay?passing");
      assertThat(first.list()).hasSize(1);
      var watch = client.blocked("/v1/health/connect/pay?passing&wait=60s&index=" + first.index());

      now.set(now.get().plusSeconds(30));

      assertThat(Agent.done(watch).list()).isEmpty();
    }
  }

  @Test
  void registeringAgainIsIdempotentAndDeregisteringRemoves() {
    String body = "{\"Name\":\"pay\",\"ID\":\"p1\",\"Port\":1,\"Connect\":{\"Native\":true}}";
    agent.put("/v1/agent/service/register", body);
    agent.put("/v1/agent/service/register", body);
    assertThat(shown("connect/pay")).isEqualTo(1);
    assertThat(agent.get("/v1/agent/services").text("p1", "Service")).isEqualTo("pay");

    assertThat(agent.put("/v1/agent/service/deregister/p1", "").status()).isEqualTo(200);

    assertThat(shown("connect/pay")).isZero();
    assertThat(agent.get("/v1/agent/service/p1").body()).isEqualTo("unknown service ID: p1");
    assertThat(agent.put("/v1/agent/service/deregister/p1", "").status()).isEqualTo(200);
  }

  @Test
  void maintenanceTakesAnInstanceOutAndBackIn() {
    plane.register("billing", "b1", "10.0.0.1", 1);

    agent.put("/v1/agent/service/maintenance/b1?enable=true&reason=draining", "");
    assertThat(shown("connect/billing?passing")).isZero();

    agent.put("/v1/agent/service/maintenance/b1?enable=false", "");
    assertThat(shown("connect/billing?passing")).isEqualTo(1);
  }

  @Test
  void wrongRegistrationsAreRefusedInConsulsWords() {
    String register = "/v1/agent/service/register";
    assertThat(agent.put(register, "{\"ID\":\"x\"}").body()).isEqualTo("Missing service name");
    assertThat(agent.put(register, "{\"Name\":\"x\",\"Nope\":1}").body())
        .isEqualTo("Request decode failed: json: unknown field \"Nope\"");
    assertThat(agent.put(register, "{\"Name\":\"x\",\"Check\":{\"TTL\":\"abc\"}}").body())
        .isEqualTo("Request decode failed: time: invalid duration \"abc\"");
    assertThat(agent.put(register, "{\"Name\":\"x\",\"Weights\":{\"Passing\":0}}").body())
        .isEqualTo("Invalid Weights: Passing must be greater than 0");
    assertThat(agent.put("/v1/agent/check/pass/nope", "").body())
        .isEqualTo("CheckID \"nope\" does not have associated TTL");
  }

  @Test
  void anotherDatacenterIsOutOfReachAndUnknownPathsAreEmpty() {
    assertThat(agent.get("/v1/health/connect/x?dc=dc9").body()).isEqualTo("No path to datacenter");
    Agent.Answer unknown = agent.get("/v1/agent/version");
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(unknown.body()).isEmpty();
    assertThat(unknown.header("X-Consul-Default-Acl-Policy")).isEmpty();
  }

  @Test
  void timeIsReadFromTheClockGiven() {
    Clock fixed = Clock.fixed(Instant.parse("2030-01-01T00:00:00Z"), ZoneOffset.UTC);
    try (var timed = EmbeddedControlPlane.builder().clock(fixed).start()) {
      assertThat(new Agent(timed).get("/v1/agent/connect/ca/leaf/web").text("ValidAfter"))
          .isEqualTo("2029-12-31T23:59:00Z");
    }
  }

  @Test
  void aSidecarIsCheckedByWhetherItListensAndByItsService() {
    // Anything that listens, and stops.
    try (EmbeddedControlPlane sidecar = EmbeddedControlPlane.start()) {
      int port = sidecar.address().getPort();
      agent.put(
          "/v1/agent/service/register",
          """
          {"Name":"web","ID":"web-1","Port":8080,"Check":{"CheckID":"alive","TTL":"1h"},
           "Connect":{"SidecarService":{"Port":%d}}}
          """
              .formatted(port));
      // The service's own check is critical until it reports; its sidecar's follows.
      assertThat(sidecar("critical")).hasSizeGreaterThanOrEqualTo(1);

      agent.put("/v1/agent/check/pass/alive", "");

      await().atMost(Agent.GUARD).until(() -> sidecar("passing").size() == 3);
      assertThat(sidecar("passing"))
          .contains("All checks passing.", "TCP connect 127.0.0.1:%d: Success".formatted(port));
      agent.put("/v1/agent/check/warn/alive?note=slow", "");
      assertThat(sidecar("warning"))
          .containsExactly("Aliased check \"Service 'web' check\" failing: slow");
    }
    await()
        .atMost(Agent.GUARD)
        .until(() -> sidecar("critical").toString().contains("connection refused"));
    assertThat(agent.get("/v1/health/connect/web?passing").list()).isEmpty();
  }

  /** The outputs of the checks of web's sidecar that have a status. */
  private List<String> sidecar(String status) {
    return agent.get("/v1/health/connect/web").list(0, "Checks").stream()
        .map(check -> (Map<?, ?>) check)
        .filter(check -> status.equals(check.get("Status")))
        .map(check -> (String) check.get("Output"))
        .toList();
  }
}
