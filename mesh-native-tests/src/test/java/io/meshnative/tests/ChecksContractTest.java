package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.CatalogEntry;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.StalePolicy;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Headers;
import okhttp3.Protocol;
import okio.Buffer;
import org.awaitility.Awaitility;
import org.hamcrest.Matchers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** The checks of a registration, as the agent itself sees them, and what callers find of it. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED_1_8, true, CONSCRYPT",
  "CONSUL, true, CONSCRYPT"
})
class ChecksContractTest extends Contract {
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Destination DB = Destination.parse("db");

  /** What the agent says of a check: its status, then its output. */
  private String seen(int place) throws IOException {
    String all = plane.api().require("GET", "/v1/agent/checks", "");
    int at = all.indexOf("\"db-checked-check-" + place + "\":");
    return at < 0
        ? "none"
        : AgentApi.field(all.substring(at), "Status")
            + " "
            + AgentApi.field(all.substring(at), "Output");
  }

  /** Like {@link Cast#await}, but a failure shows what was seen last. */
  private void awaitSeen(int place, String status) {
    Awaitility.await("the agent sees check " + place)
        .atMost(Cast.GUARD)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> seen(place), Matchers.startsWith(status));
  }

  private MeshClient checked(Check... checks) throws Exception {
    return cast.ready(
        cast.builder("db")
            .register(
                Registration.of(5432)
                    .withId("db-checked")
                    .withAddress("127.0.0.1")
                    .withChecks(checks)));
  }

  private static void awaitFound(MeshClient web, boolean found) {
    Cast.await("db is found: " + found, () -> web.endpoints(DB).isEmpty() != found);
  }

  @Test
  void aTcpCheckFollowsWhetherSomebodyListens() throws Exception {
    int port = Ports.reserve();
    MeshClient web = cast.client("web");
    MeshClient db = checked(Check.tcp("127.0.0.1:" + port, SECOND));
    awaitSeen(1, "critical");
    awaitFound(web, false);
    try (ServerSocket listener = new ServerSocket()) {
      listener.setReuseAddress(true);
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      awaitSeen(1, "passing TCP connect 127.0.0.1:" + port + ": Success");
      awaitFound(web, true);
    }
    awaitSeen(1, "critical dial tcp 127.0.0.1:" + port);
    awaitFound(web, false);
    db.close();
    assertThat(seen(1)).isEqualTo("none");
  }

  @Test
  void aTcpCheckOfTheOwnListenerPassesWhileItListens() throws Exception {
    MeshClient web = cast.client("web");
    int port = Ports.reserve();
    MeshClient db = checked(Check.tcp("127.0.0.1:" + port, SECOND));
    var server =
        cast.keep(
            db.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                ListenOptions.defaults()));
    awaitSeen(1, "passing");
    awaitFound(web, true);
    assertThat(db.snapshot().lastDenials()).as("a caller who only knocks").isEmpty();
    server.close();
    awaitSeen(1, "critical");
    awaitFound(web, false);
  }

  private static MockResponse health(int status) {
    return new MockResponse.Builder().code(status).body("status " + status).build();
  }

  private static Dispatcher dispatcher(java.util.function.Function<String, MockResponse> answer) {
    return new Dispatcher() {
      @Override
      public MockResponse dispatch(RecordedRequest request) {
        return answer.apply(request.getTarget());
      }
    };
  }

  @Test
  void anHttpCheckFollowsTheStatusOfTheAnswer() throws Exception {
    AtomicInteger status = new AtomicInteger(503);
    MeshClient web = cast.client("web");
    try (MockWebServer server = new MockWebServer()) {
      server.setDispatcher(dispatcher(target -> health(target.equals("/ok") ? status.get() : 404)));
      server.start(InetAddress.getLoopbackAddress(), 0);
      String url = "http://127.0.0.1:" + server.getPort() + "/ok";
      MeshClient db = checked(Check.http(URI.create(url), SECOND));
      awaitSeen(1, "critical HTTP GET " + url + ": 503");
      awaitFound(web, false);
      status.set(200);
      awaitSeen(1, "passing HTTP GET " + url + ": 200");
      awaitFound(web, true);
      status.set(429);
      awaitSeen(1, "warning HTTP GET " + url + ": 429");
      db.close();
    }
  }

  /** A message of gRPC's health protocol: {@code status} is field 1; 1 is SERVING, 2 is not. */
  private static MockResponse grpc(int status) {
    Buffer message = new Buffer().writeByte(0).writeInt(2).writeByte(0x08).writeByte(status);
    return new MockResponse.Builder()
        .setHeader("content-type", "application/grpc")
        .body(message)
        .trailers(Headers.of("grpc-status", "0"))
        .build();
  }

  @Test
  void aGrpcCheckFollowsWhatTheServiceSaysOfItself() throws Exception {
    AtomicInteger status = new AtomicInteger(2);
    MeshClient web = cast.client("web");
    try (MockWebServer server = new MockWebServer()) {
      server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
      server.setDispatcher(
          dispatcher(target ->
              target.equals("/grpc.health.v1.Health/Check") ? grpc(status.get()) : health(404)));
      server.start(InetAddress.getLoopbackAddress(), 0);
      String target = "127.0.0.1:" + server.getPort() + "/orders";
      MeshClient db = checked(Check.grpc(target, SECOND));
      awaitSeen(1, "critical gRPC "); // the rest is another text with each version
      awaitFound(web, false);
      status.set(1);
      awaitSeen(1, "passing gRPC check " + target + ": success");
      awaitFound(web, true);
      db.close();
    }
  }

  @Test
  void aTtlCheckIsReportedInTimeUntilThePolicyEnds() throws Exception {
    MeshClient web = cast.client("web");
    try (AgentRelay relay = new AgentRelay(plane.httpAddr())) {
      MeshClient db =
          cast.ready(
              cast.on(
                      MeshClient.builder("db")
                          .consul(
                              ConsulConfig.builder().address("http://" + relay.httpAddr()).build()))
                  .stalePolicy(StalePolicy.denyAfter(Duration.ofMillis(200)))
                  .register(
                      Registration.of(5432)
                          .withId("db-checked")
                          .withAddress("127.0.0.1")
                          .withChecks(Check.ttl(Duration.ofSeconds(3)))));
      awaitSeen(1, "passing the mesh client is READY");
      awaitFound(web, true);
      Cast.await("it is reported again and again", () -> reports(relay) >= 4);
      assertThat(seen(1)).startsWith("passing");
      // Its policy ends where it may not read intentions any more; reports still arrive.
      relay.breakConnections(path -> path.startsWith("/v1/connect/intentions"));
      plane.allow("web", "db");
      awaitSeen(1, "critical the mesh client is EXPIRED");
      awaitFound(web, false);
      relay.breakConnections(path -> false);
      awaitSeen(1, "passing the mesh client is READY");
      awaitFound(web, true);
      // Whoever does not report at all, is taken to be gone.
      relay.breakConnections(path -> path.startsWith("/v1/agent/"));
      awaitSeen(1, "critical TTL expired");
      awaitFound(web, false);
      relay.breakConnections(path -> false);
      awaitSeen(1, "passing the mesh client is READY");
      db.close();
      assertThat(seen(1)).isEqualTo("none");
    }
  }

  private static long reports(AgentRelay relay) {
    return relay.asked().stream()
        .filter(path -> path.startsWith("/v1/agent/check/update/"))
        .count();
  }

  @Test
  void everyCheckMustPassForTheServiceToBeFound() throws Exception {
    int port = Ports.reserve();
    MeshClient web = cast.client("web");
    MeshClient db =
        checked(Check.ttl(Duration.ofSeconds(6)), Check.tcp("127.0.0.1:" + port, SECOND));
    awaitSeen(1, "passing");
    awaitSeen(2, "critical dial");
    awaitFound(web, false);
    try (ServerSocket listener = new ServerSocket()) {
      listener.setReuseAddress(true);
      listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      awaitSeen(2, "passing");
      awaitFound(web, true);
      db.close();
    }
  }

  @Test
  void anEntryMadeLateIsFoundReportsForTheApplicationIsHiddenAndTakenOut() throws Exception {
    MeshClient web = cast.client("web");
    MeshClient db = cast.client("db");
    Registration late =
        Registration.of(5432)
            .withId("db-checked")
            .withAddress("127.0.0.1")
            .withChecks(Check.ttl(Duration.ofSeconds(30)));
    try (CatalogEntry entry = db.register(late)) {
      awaitFound(web, true);
      assertThatThrownBy(() -> db.register(late))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("close that entry first");
      entry.report(Check.Status.CRITICAL, "the cache is gone");
      awaitSeen(1, "critical the cache is gone");
      awaitFound(web, false);
      entry.report(Check.Status.PASSING, "");
      awaitFound(web, true);
      assertThat(entry.hide()).isTrue();
      awaitFound(web, false);
    }
    assertThat(plane.api().require("GET", "/v1/agent/services", "")).doesNotContain("db-checked");
    try (CatalogEntry again = db.register(late)) {
      awaitFound(web, true);
    }
    db.close();
    assertThatThrownBy(() -> db.register(late))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
