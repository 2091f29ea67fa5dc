package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.meshnative.discovery.ApplicationProtocol;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.spi.EndpointSource;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Endpoints follow the discovery chain, on an agent that answers as the test says. */
class ChainsTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);
  private static final Destination DB = Destination.parse("db");

  /** By the path behind {@code /v1/}; asked without an index. A call that blocks is never ended. */
  private final Map<String, MockResponse> answers = new ConcurrentHashMap<>();

  private final Recorder<EndpointSet> recorder = new Recorder<>();
  private Agents agent;
  private ConsulControlPlane plane;

  @BeforeEach
  void open() throws IOException {
    agent = Agents.answering(this::answer);
    answers.put("agent/connect/ca/roots", Exchange.load("1.10.3", "ca-roots").response());
    answers.put("agent/connect/ca/leaf/billing", Exchange.load("1.10.3", "ca-leaf").response());
    // A clock of its own, so that turns of seconds pass at once.
    plane =
        ConsulControlPlane.open(
            agent.config(), "billing", new FakeClock(), new SplittableRandom(1));
    plane.identity().start(new Recorder<>());
  }

  @AfterEach
  void close() {
    plane.close();
    agent.close();
  }

  /** An agent without blocking: each change is seen with the next call. */
  private MockResponse answer(RecordedRequest request) {
    String path = request.getUrl().encodedPath().substring("/v1/".length());
    String dc = request.getUrl().queryParameter("dc");
    String filter = request.getUrl().queryParameter("filter");
    return answers.get(path + (dc == null ? "" : "@" + dc) + (filter == null ? "" : "?" + filter));
  }

  private void chain(String targets, String... nodes) {
    chainOf("tcp", targets, nodes);
  }

  private void chainOf(String protocol, String targets, String... nodes) {
    answers.put(
        "discovery-chain/db",
        Agents.json(
            "9",
            "{\"Chain\":{\"Datacenter\":\"dc1\",\"Protocol\":\""
                + protocol
                + "\",\"StartNode\":\"start\",\"Nodes\":{"
                + String.join(",", nodes)
                + "},\"Targets\":{"
                + targets
                + "}}}"));
  }

  private static String resolver(String key, String target, String... failover) {
    String next = failover.length == 0 ? "" : "\"" + String.join("\",\"", failover) + "\"";
    return "\"%s\":{\"Type\":\"resolver\",\"Resolver\":{\"Target\":\"%s\",\"Failover\":{\"Targets\":[%s]}}}"
        .formatted(key, target, next);
  }

  private static String target(String id, String service, String datacenter, String filter) {
    return "\"%s\":{\"Service\":\"%s\",\"Datacenter\":\"%s\",\"Subset\":{\"Filter\":\"%s\"}}"
        .formatted(id, service, datacenter, filter);
  }

  private static String row(String service, String datacenter, int port) {
    return ("{\"Node\":{\"Node\":\"n\",\"Address\":\"127.0.0.1\",\"Datacenter\":\"%s\"},"
            + "\"Service\":{\"ID\":\"%s-%d\",\"Service\":\"%s\",\"Port\":%d,\"Connect\":{\"Native\":true}},"
            + "\"Checks\":[]}")
        .formatted(datacenter, service, port, service, port);
  }

  private void instances(String path, String... rows) {
    answers.put("health/connect/" + path, Agents.json("9", "[" + String.join(",", rows) + "]"));
  }

  private EndpointSource.Watch watch() {
    return plane.endpoints().watch(DB, recorder);
  }

  /** The ports that serve now. */
  private void awaitPorts(Integer... ports) {
    await()
        .atMost(GENEROUS)
        .untilAsserted(() -> assertThat(now()).containsExactlyInAnyOrder(ports));
  }

  private List<Integer> now() {
    return recorder.values.isEmpty()
        ? List.of()
        : last().endpoints().stream().map(Endpoint::port).toList();
  }

  private EndpointSet last() {
    return recorder.values.get(recorder.values.size() - 1);
  }

  @Test
  void aRedirectIsFollowedAndTheTargetMustAnswer() {
    chain(target("t", "db-v2", "dc1", ""), resolver("start", "t"));
    instances("db", row("db", "dc1", 1));
    instances("db-v2", row("db-v2", "dc1", 2));
    watch();
    awaitPorts(2);
    assertThat(last().destination()).isEqualTo(DB);
    assertThat(last().endpoints().get(0).identity().service()).isEqualTo("db-v2");
    onlyPort(2);
  }

  @Test
  void whatTheDestinationSpeaksComesWithItsEndpointsAndChangesWithTheChain() {
    chainOf("grpc", target("t", "db", "dc1", ""), resolver("start", "t"));
    instances("db", row("db", "dc1", 1));
    watch();
    awaitPorts(1);
    assertThat(recorder.values)
        .allSatisfy(set -> assertThat(set.protocol()).isEqualTo(ApplicationProtocol.GRPC));
    chainOf("http", target("t", "db", "dc1", ""), resolver("start", "t"));
    await().atMost(GENEROUS).until(() -> last().protocol() == ApplicationProtocol.HTTP);
    assertThat(now()).containsExactly(1);
  }

  @Test
  void aSubsetIsFiltered() {
    chain(target("t", "db", "dc1", "Service.Meta.v == 1"), resolver("start", "t"));
    instances("db", row("db", "dc1", 1), row("db", "dc1", 2));
    instances("db?Service.Meta.v == 1", row("db", "dc1", 1));
    watch();
    awaitPorts(1);
  }

  @Test
  void theNextTargetServesWhileTheOneBeforeHasNobody() {
    chain(
        target("t", "db", "dc1", "") + "," + target("u", "db", "dc2", ""),
        resolver("start", "t", "u"));
    instances("db", row("db", "dc1", 1));
    instances("db@dc2", row("db", "dc2", 2));
    watch();
    awaitPorts(1);
    instances("db");
    awaitPorts(2);
    assertThat(last().endpoints().get(0).identity().datacenter()).isEqualTo("dc2");
    instances("db", row("db", "dc1", 3));
    awaitPorts(3);
  }

  @Test
  void aTargetThatCannotBeReadIsPassedOver() {
    chain(
        target("t", "db", "dc9", "") + "," + target("u", "db", "dc1", ""),
        resolver("start", "t", "u"));
    answers.put(
        "health/connect/db@dc9",
        new MockResponse.Builder().code(500).body("No path to datacenter").build());
    instances("db", row("db", "dc1", 1));
    watch();
    awaitPorts(1);
  }

  @Test
  void aSplitIsOneOfWeights() {
    chain(
        target("t", "db", "dc1", "") + "," + target("u", "db-v2", "dc1", ""),
        "\"start\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":75,\"NextNode\":\"a\"},"
            + "{\"Weight\":25,\"NextNode\":\"b\"}]}",
        resolver("a", "t"),
        resolver("b", "u"));
    instances("db", row("db", "dc1", 1), row("db", "dc1", 2));
    instances("db-v2", row("db-v2", "dc1", 3));
    watch();
    awaitPorts(1, 2, 3);
    assertThat(weight("db") / (double) weight("db-v2")).isCloseTo(3, within(0.05));
    instances("db-v2");
    awaitPorts(1, 2);
  }

  private int weight(String service) {
    return last().endpoints().stream()
        .filter(endpoint -> endpoint.identity().service().equals(service))
        .mapToInt(Endpoint::weight)
        .sum();
  }

  @Test
  void anInstanceThatTwoBranchesShareIsOneEndpoint() {
    chain(
        target("t", "db", "dc1", "") + "," + target("u", "db-v2", "dc1", ""),
        "\"start\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":50,\"NextNode\":\"a\"},"
            + "{\"Weight\":50,\"NextNode\":\"b\"}]}",
        resolver("a", "t"),
        resolver("b", "u", "t"));
    instances("db", row("db", "dc1", 1));
    instances("db-v2");
    watch();
    awaitPorts(1);
  }

  @Test
  void aNewChainIsFollowedAndTheOldTargetIsWatchedNoLonger() {
    chain(target("t", "db", "dc1", ""), resolver("start", "t"));
    instances("db", row("db", "dc1", 1));
    instances("db-v2", row("db-v2", "dc1", 2));
    watch();
    awaitPorts(1);
    chain(target("t", "db-v2", "dc1", ""), resolver("start", "t"));
    awaitPorts(2);
    await()
        .atMost(GENEROUS)
        .untilAsserted(
            () -> assertThat(((Endpoints) plane.endpoints()).load()).containsExactly(1, 0));
  }

  @Test
  void whereTheChainMayNotBeReadTheDestinationStandsForItself() {
    answers.put(
        "discovery-chain/db",
        new MockResponse.Builder().code(403).body("Permission denied").build());
    instances("db", row("db", "dc1", 1));
    watch();
    awaitPorts(1);
    assertThat(recorder.failures).isEmpty();
    assertThat(last().protocol()).isEqualTo(ApplicationProtocol.UNKNOWN);
  }

  @Test
  void nobodyIsOfferedBeforeTheChainIsKnown() {
    answers.put("discovery-chain/db", new MockResponse.Builder().code(500).body("boom").build());
    instances("db", row("db", "dc1", 1));
    instances("db-v2", row("db-v2", "dc1", 2));
    watch();
    assertThat(recorder.awaitFailure()).hasMessageContaining("/v1/discovery-chain/db");
    assertThat(recorder.values).isEmpty();
    chain(target("t", "db-v2", "dc1", ""), resolver("start", "t"));
    awaitPorts(2);
    onlyPort(2);
  }

  private void onlyPort(int port) {
    assertThat(recorder.values)
        .allSatisfy(set ->
            assertThat(set.endpoints()).allSatisfy(e -> assertThat(e.port()).isEqualTo(port)));
  }

  @Test
  void aChainThatFailsLaterLeavesTheLastOneInForce() {
    chain(target("t", "db-v2", "dc1", ""), resolver("start", "t"));
    instances("db", row("db", "dc1", 1));
    instances("db-v2", row("db-v2", "dc1", 2));
    watch();
    awaitPorts(2);
    answers.put("discovery-chain/db", Agents.json("9", "{\"Chain\":{\"StartNode\":\"gone\"}}"));
    long reads = chains();
    await().atMost(GENEROUS).until(() -> chains() > reads + 3);
    instances("db-v2", row("db-v2", "dc1", 3));
    awaitPorts(3);
    assertThat(recorder.failures).isEmpty();
  }

  private long chains() {
    return agent.targets().stream().filter(t -> t.startsWith("/v1/discovery-chain/")).count();
  }

  @Test
  void whereNoTargetCanBeDialledTheReasonIsTold() {
    chain(
        "\"t\":{\"Service\":\"db\",\"Datacenter\":\"dc2\",\"MeshGateway\":{\"Mode\":\"local\"}}",
        resolver("start", "t"));
    watch();
    await().atMost(GENEROUS).until(() -> !recorder.values.isEmpty());
    assertThat(last().emptiness()).isEqualTo(Emptiness.ALL_SKIPPED);
    assertThat(last().skipped())
        .containsExactly(
            "db dc=dc2: it is reached through mesh gateways, which is not supported yet");
  }

  @Test
  void aClosedWatchReadsNothingMore() {
    chain(target("t", "db", "dc1", ""), resolver("start", "t"));
    instances("db", row("db", "dc1", 1));
    EndpointSource.Watch watch = watch();
    awaitPorts(1);
    watch.close();
    assertThat(((Endpoints) plane.endpoints()).load()).containsExactly(0, 0);
    Recorder<EndpointSet> other = new Recorder<>();
    answers.put("discovery-chain/web", new MockResponse.Builder().code(404).build());
    instances("web", row("web", "dc1", 4));
    plane.endpoints().watch(Destination.parse("web"), other);
    other.awaitValue();
    // What was on its way when the watch closed may still arrive; after the other watch has gone
    // round a few times, nothing is on its way any more.
    awaitMoreChainReadsOf("web", 5);
    long asked = targetsWith("db");
    awaitMoreChainReadsOf("web", 5);
    assertThat(targetsWith("db")).isEqualTo(asked);
  }

  private void awaitMoreChainReadsOf(String service, int reads) {
    long before = targetsWith("discovery-chain/" + service);
    await()
        .atMost(GENEROUS)
        .until(() -> targetsWith("discovery-chain/" + service) >= before + reads);
  }

  private long targetsWith(String part) {
    return agent.targets().stream().filter(t -> t.contains(part)).count();
  }
}
