package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.identity.TrustDomain;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HealthDecoderTest {
  private static EndpointSet decode(String rows) throws ControlPlaneException {
    return decode(Exchange.answer("[" + rows + "]"));
  }

  private static EndpointSet decode(Answer answer) throws ControlPlaneException {
    return new HealthDecoder(
            Destination.parse("db"), "default", "default", TrustDomain.of("test.consul"), "dc1")
        .decode("health", answer);
  }

  private static String row(String node, String service) {
    return "{\"Node\":{\"Node\":\"n1\",\"Address\":\"10.0.0.1\",\"Datacenter\":\"dc1\""
        + node
        + "},\"Service\":{\"ID\":\"db-1\",\"Service\":\"db\",\"Port\":9443,\"Connect\":{\"Native\":true}"
        + service
        + "},\"Checks\":[{\"Status\":\"passing\"}]}";
  }

  /** The same row with one field replaced. */
  private static String without(String row, String field, String other) {
    assertThat(row).contains(field);
    return row.replace(field, other);
  }

  @Test
  void aPlainRowIsAnEndpointOfTheCurrentTrustDomain() throws Exception {
    Endpoint endpoint = decode(row("", "")).endpoints().get(0);
    assertThat(endpoint.address()).isEqualTo("10.0.0.1:9443");
    assertThat(endpoint.weight()).isEqualTo(1);
    assertThat(endpoint.identity().spiffeId())
        .hasToString("spiffe://test.consul/ns/default/dc/dc1/svc/db");
  }

  @ParameterizedTest
  @CsvSource({
    "'\"Service\":\"db\"', '\"Service\":\"web\"', service",
    "'\"Service\":\"db\"', '\"Service\":\"DB\"', service",
    "'\"Service\":\"db\"', '\"Service\":\"../db\"', service",
    "'\"Datacenter\":\"dc1\"', '\"Datacenter\":\"dc2\"', datacenter",
    "'\"Datacenter\":\"dc1\"', '\"Datacenter\":\"\"', datacenter",
  })
  void t13ARowOfAnotherServiceOrDatacenterIsSkippedNotAdopted(
      String field, String other, String reason) throws Exception {
    EndpointSet set = decode(without(row("", ""), field, other));
    assertThat(set.endpoints()).isEmpty();
    assertThat(set.emptiness()).isEqualTo(Emptiness.ALL_SKIPPED);
    assertThat(set.skipped()).singleElement().asString().contains("expected the " + reason);
  }

  @ParameterizedTest
  @CsvSource({
    "'\"Port\":9443', '\"Port\":0'",
    "'\"Port\":9443', '\"Port\":-1'",
    "'\"Port\":9443', '\"Port\":65536'",
    "'\"Port\":9443', '\"Port\":4294976739'",
    "'\"Port\":9443', '\"Port\":80.5'",
    "'\"Port\":9443', '\"Port\":\"9443\"'",
    "'\"Port\":9443', '\"Port\":null'",
    "'\"Port\":9443,', ''",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":\"  \"'",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":\"fe80::1%eth0\"'",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":\"10.0.0.1/24\"'",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":\"10.0.0.1\\r\\n\"'",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":\"user@host\"'",
    "'\"Address\":\"10.0.0.1\"', '\"Address\":[\"10.0.0.1\"]'",
    "'\"Node\":\"n1\"', '\"Node\":\"n/1\"'",
    "'\"Node\":\"n1\"', '\"Node\":\"n\\u0000\"'",
    "'\"Native\":true', '\"Native\":false'",
    "'\"Native\":true', '\"Native\":\"true\"'",
    "'passing', 'critical'",
    "'passing', 'maintenance'",
    "'passing', 'fine, as ever'",
    "'\"Port\":9443', '\"Port\":9443,\"Kind\":\"mesh-gateway\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"s\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"@s\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"/\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"//s\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"/s/\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"/run/../s\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":\"/s\\u0000\"'",
    "'\"Port\":9443', '\"Port\":9443,\"SocketPath\":7'",
    "'\"Port\":9443', '\"Port\":9443,\"PeerName\":\"east\"'",
    "'\"Port\":9443', '\"Port\":9443,\"Namespace\":\"other\"'",
    "'\"Port\":9443', '\"Port\":9443,\"Partition\":\"other\"'",
    "'\"Port\":9443', '\"Port\":9443,\"Weights\":{\"Passing\":0}'",
    "'\"Port\":9443', '\"Port\":9443,\"Weights\":{\"Passing\":-5}'",
    "'\"Port\":9443', '\"Port\":9443,\"Weights\":7'",
  })
  void t54ARowThatCannotBeTrustedIsSkippedAndTheOthersAreTaken(String field, String other)
      throws Exception {
    EndpointSet set = decode(without(row("", ""), field, other) + "," + row("", ""));
    assertThat(set.endpoints()).hasSize(1);
    assertThat(set.skipped())
        .singleElement()
        .asString()
        .contains(": ")
        .doesNotContain("\r", "\n", "\u0000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"7", "null", "\"row\"", "{}", "{\"Node\":null,\"Service\":null,\"Checks\":null}"})
  void t54ARowThatIsNoneIsSkipped(String row) throws Exception {
    assertThat(decode(row).skipped()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"128, 128", "129, 128", "2147483647, 128", "7, 7"})
  void aWeightIsAtMostConsulsLimit(int given, int expected) throws Exception {
    String weighted = row("", ",\"Weights\":{\"Passing\":" + given + ",\"Warning\":1}");
    assertThat(decode(weighted).endpoints().get(0).weight()).isEqualTo(expected);
  }

  @Test
  void anIpV6AddressIsTaken() throws Exception {
    assertThat(decode(row("", ",\"Address\":\"2001:db8::7\"")).endpoints().get(0).address())
        .isEqualTo("[2001:db8::7]:9443");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"Port\":9443", "\"Port\":0"})
  void aUnixSocketIsTakenAndNoPortBesideIt(String port) throws Exception {
    String row = without(row("", ""), "\"Port\":9443", port + ",\"SocketPath\":\"/run/db.sock\"");
    Endpoint endpoint = decode(row).endpoints().get(0);
    assertThat(endpoint.socketPath()).contains("/run/db.sock");
    assertThat(endpoint.port()).isZero();
    assertThat(endpoint.address()).isEqualTo("unix:/run/db.sock");
    assertThat(endpoint.weighing(3).socketPath()).isEqualTo(endpoint.socketPath());
  }

  @ParameterizedTest
  @CsvSource({"107, 1", "108, 0", "1000000, 0"})
  void t54ThePathOfAUnixSocketIsBounded(int length, int taken) throws Exception {
    String path = "/" + "x".repeat(length - 1);
    String row = without(row("", ""), "\"Port\":9443", "\"SocketPath\":\"" + path + "\"");
    EndpointSet set = decode(row);
    assertThat(set.endpoints()).hasSize(taken);
    assertThat(set.skipped()).hasSize(1 - taken).allMatch(why -> why.length() < 400);
  }

  @Test
  void aSidecarOfAnotherServiceIsSkipped() throws Exception {
    EndpointSet set =
        decode(
            row("", ",\"Kind\":\"connect-proxy\",\"Proxy\":{\"DestinationServiceName\":\"web\"}"));
    assertThat(set.endpoints()).isEmpty();
  }

  @Test
  void t54OfAMillionRowsTheFirstTenThousandAreTaken() throws Exception {
    String row = row("", "");
    String many = (row + ",").repeat(HealthDecoder.MAX_ROWS + 4999) + row;
    EndpointSet set = decode(many);
    assertThat(set.endpoints()).hasSize(HealthDecoder.MAX_ROWS);
    assertThat(set.skipped()).singleElement().asString().contains("15000");
  }

  @Test
  void t54ReasonsAreBoundedToo() throws Exception {
    String row = without(row("", ""), "\"Port\":9443", "\"Port\":0");
    EndpointSet set = decode((row + ",").repeat(999) + row);
    assertThat(set.skipped()).hasSize(101);
    assertThat(set.skipped().get(100)).isEqualTo("900 more rows were skipped");
  }

  @Test
  void theHeaderOfNewerAgentsTellsThatRowsAreHidden() throws Exception {
    Headers headers =
        Headers.of("X-Consul-Index", "77", "x-consul-results-filtered-by-acls", "true");
    assertThat(decode(Exchange.answer(headers, "[]")).emptiness())
        .isEqualTo(Emptiness.FILTERED_BY_ACL);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "{}", "\"x\"", "[", "[{\"Node\":{", "[]]", "[{\"Node\":{},\"Node\":{}}]"})
  void t26ABodyThatIsNoListFailsAsAWhole(String body) {
    assertThatExceptionOfType(ControlPlaneException.class)
        .isThrownBy(() -> decode(Exchange.answer(body)));
  }

  @Test
  void rowsThatThePlainReadHidStayHiddenInTheBlockingOnesAfterIt() throws Exception {
    // Consul 1.10 streams blocking answers: a true index, and no known leader, also for a token
    // with all rights.
    Exchange plain = Exchange.load("1.10.3", "streaming-acl-health-connect-anonymous-plain");
    Exchange blocking =
        Exchange.load("1.10.3", "streaming-acl-health-connect-anonymous-index-1-wait-4s");
    Exchange roots = Exchange.load("1.10.3", "ca-roots");
    try (Agents agent =
        Agents.answering(request ->
            request.getTarget().contains("roots")
                ? roots.response()
                : (request.getTarget().contains("index=") ? blocking : plain).response())) {
      Wiring wiring = agent.wiring("web");
      Roots trust = new Roots(wiring);
      trust.accept(new CaRoots(RootsQuery.decode("roots", roots.answer()), ""), true);
      HealthQuery query =
          new HealthQuery(
              wiring,
              new Calls(),
              trust,
              new Leaf(wiring, trust),
              Route.ChainTarget.of(Destination.parse("billing")),
              false);
      assertThat(query.decode(query.read(0)).emptiness()).isEqualTo(Emptiness.FILTERED_BY_ACL);
      assertThat(query.decode(query.read(1)).emptiness()).isEqualTo(Emptiness.FILTERED_BY_ACL);
      assertThat(agent.targets())
          .containsExactly(
              "/v1/health/connect/billing?passing",
              "/v1/health/connect/billing?passing&index=1&wait=300000ms");
    }
  }
}
