package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.ApplicationProtocol;
import io.meshnative.discovery.Destination;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where chains lead: captured ones, and ones that no agent should send. */
class ChainDecoderTest {
  private static final String V1 = "shop where Service.Meta.version == \"1\"";
  private static final String CANARY =
      " where Service.Meta.version == \"2\" and \"canary\" in Service.Tags";

  private static Route decode(String version, String name, Destination destination)
      throws ControlPlaneException {
    return new ChainDecoder(destination, "default")
        .decode("chain", Exchange.load(version, name).answer());
  }

  private static Route decode(String version, String name, String service)
      throws ControlPlaneException {
    return decode(version, name, Destination.parse(service));
  }

  @ParameterizedTest
  @CsvSource({"1.8.7,billing", "1.10.3,nothing"})
  void theDefaultChainLeadsToTheDestinationItself(String version, String service) throws Exception {
    assertThat(decode(version, "discovery-chain-default-unregistered", service))
        .isEqualTo(Route.to(Destination.parse(service), ApplicationProtocol.TCP));
  }

  @Test
  void aRedirectLeadsToAnotherServiceOfAnotherDatacenter() throws Exception {
    assertThat(decode("1.8.7", "discovery-chain-redirect", "shop-old"))
        .isEqualTo(
            Route.to(
                Destination.builder("shop-v2").datacenter("dc2").build(),
                ApplicationProtocol.HTTP));
  }

  @Test
  void failoverTargetsComeInTheirOrderAndSubsetsAreFiltered() throws Exception {
    assertThat(decode("1.10.3", "discovery-chain-resolver-subsets-failover-lb", "shop"))
        .hasToString(V1 + ", then shop-backup dc=dc2");
  }

  @Test
  void aSplitterGivesEachBranchItsShare() throws Exception {
    assertThat(decode("1.10.3", "discovery-chain-splitter", "shop"))
        .hasToString(
            "90.0% "
                + V1
                + ", then shop-backup dc=dc2; 9.5% shop"
                + CANARY
                + ", then shop dc=dc2"
                + CANARY
                + ", then shop dc=dc3"
                + CANARY
                + "; 0.5% shop-backup");
  }

  @Test
  void ofARouterTheCatchAllRouteCounts() throws Exception {
    assertThat(decode("1.10.3", "discovery-chain-router-splitter-resolver", "shop"))
        .isEqualTo(decode("1.10.3", "discovery-chain-splitter", "shop"));
  }

  @Test
  void aChainThatWasCompiledForAnotherDatacenterStaysThere() throws Exception {
    Destination remote = Destination.builder("billing").datacenter("dc2").build();
    assertThat(decode("1.8.7", "discovery-chain-compile-dc", remote))
        .isEqualTo(Route.to(remote, ApplicationProtocol.TCP));
  }

  @Test
  void aTargetBehindGatewaysIsNamedAsOutOfReach() throws Exception {
    Route route =
        decode(
            "1.10.3",
            "discovery-chain-compile-dc",
            Destination.builder("shop").datacenter("dc2").build());
    assertThat(route.branches().get(0).targets().get(0).unreachable())
        .contains("it is reached through mesh gateways, which is not supported yet");
  }

  private static final String RESOLVER =
      "\"r\":{\"Type\":\"resolver\",\"Resolver\":{\"Target\":\"t\"}}";
  private static final String TARGET = "\"t\":{\"Service\":\"db\",\"Datacenter\":\"dc1\"}";

  private static String chain(String start, String nodes, String targets) {
    return "{\"Chain\":{\"Datacenter\":\"dc1\",\"StartNode\":\""
        + start
        + "\",\"Nodes\":{"
        + nodes
        + "},\"Targets\":{"
        + targets
        + "}}}";
  }

  private static Route decode(String body) throws ControlPlaneException {
    return new ChainDecoder(Destination.parse("db"), "default")
        .decode("chain", Exchange.answer(body));
  }

  @Test
  void unknownFieldsOfNewerVersionsArePassedOver() throws Exception {
    assertThat(
            decode(
                chain(
                    "r",
                    RESOLVER.replace("{\"Type\"", "{\"New\":[{}],\"Type\""),
                    TARGET.replace("{\"Service\"", "{\"New\":{\"a\":1},\"Service\""))))
        .isEqualTo(Route.to(Destination.parse("db")));
  }

  @Test
  void aBranchWithoutWeightIsNone() throws Exception {
    assertThat(
            decode(
                chain(
                    "s",
                    "\"s\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":0,\"NextNode\":\"x\"},"
                        + "{\"Weight\":100,\"NextNode\":\"r\"}]},"
                        + RESOLVER,
                    TARGET)))
        .isEqualTo(Route.to(Destination.parse("db")));
  }

  @Test
  void whatMakesNoChainIsRefused() {
    refused("{}", "no Chain");
    refused("[]", "BEGIN_ARRAY");
    refused("{\"Chain\":null}", "NULL");
    refused(chain("x", RESOLVER, TARGET), "a node it does not have");
    refused(chain("r", RESOLVER, ""), "a target it does not have");
    refused(chain("r", RESOLVER.replace("resolver", "rerouter"), TARGET), "no router, splitter");
    refused(chain("r", RESOLVER, TARGET.replace("db", "d/b")), "a target that is no service");
    refused(chain("w", "\"w\":{\"Type\":\"router\"}", TARGET), "a router without a route");
    refused(
        chain("w", "\"w\":{\"Type\":\"router\",\"Routes\":[{\"NextNode\":\"w\"}]}", TARGET),
        "branches without end");
    refused(
        chain("s", "\"s\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":0}]}," + RESOLVER, TARGET),
        "weigh nothing");
    refused(
        chain(
            "s",
            "\"s\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":-1,\"NextNode\":\"r\"}]},"
                + RESOLVER,
            TARGET),
        "between 0 and 100");
    String twice = "{\"Weight\":50,\"NextNode\":\"s\"},{\"Weight\":50,\"NextNode\":\"s\"}";
    refused(
        chain("s", "\"s\":{\"Type\":\"splitter\",\"Splits\":[" + twice + "]}", TARGET),
        "branches without end");
  }

  private static void refused(String body, String why) {
    assertThatThrownBy(() -> decode(body))
        .as(body)
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining(why);
  }

  // ---- what it speaks ----

  @ParameterizedTest
  @CsvSource({
    "tcp, TCP, false",
    "http, HTTP, false",
    "http2, HTTP2, true",
    "grpc, GRPC, true",
    "GRPC, GRPC, true",
    "'', UNKNOWN, false",
    "thrift, UNKNOWN, false"
  })
  void theChainSaysWhatItsTargetsSpeak(String name, ApplicationProtocol protocol, boolean http2)
      throws Exception {
    String chain = chain("r", RESOLVER, TARGET);
    Route route =
        decode(chain.replace("{\"Chain\":{", "{\"Chain\":{\"Protocol\":\"" + name + "\","));
    assertThat(route).isEqualTo(Route.to(Destination.parse("db"), protocol));
    assertThat(route.protocol().isHttp2()).isEqualTo(http2);
    assertThat(decode(chain).protocol()).isEqualTo(ApplicationProtocol.UNKNOWN);
  }

  @Test
  void capturedChainsSayWhatTheirTargetsSpeak() throws Exception {
    assertThat(decode("1.10.3", "discovery-chain-splitter", "shop").protocol())
        .isEqualTo(ApplicationProtocol.HTTP);
    assertThat(
            decode("1.10.3", "discovery-chain-tcp-service-defaults-beats-proxy-defaults", "extdb")
                .protocol())
        .isEqualTo(ApplicationProtocol.TCP);
  }

  // ---- hostile ones ----

  private static String splitter(String key, int times, String next) {
    String split = "{\"Weight\":" + 100.0 / times + ",\"NextNode\":\"" + next + "\"}";
    return "\""
        + key
        + "\":{\"Type\":\"splitter\",\"Splits\":["
        + String.join(",", java.util.Collections.nCopies(times, split))
        + "]}";
  }

  /** No cycle, no more than one target, and more ways through it than anybody could ever count. */
  @Test
  @Timeout(60)
  void aChainWhoseSplitsMultiplyIsRefusedAtOnce() {
    String nodes =
        IntStream.range(0, 14)
            .mapToObj(i -> splitter("s" + i, 100, i == 13 ? "r" : "s" + (i + 1)))
            .collect(Collectors.joining(","));
    refused(chain("s0", nodes + "," + RESOLVER, TARGET), "branches without end");
  }

  @Test
  void splitsOfAUsualNumberMayMeetAgain() throws Exception {
    String nodes = splitter("s0", 8, "s1") + "," + splitter("s1", 100, "r") + "," + RESOLVER;
    Route route = decode(chain("s0", nodes, TARGET));
    assertThat(route.branches()).hasSize(1);
    assertThat(route.branches().get(0).share())
        .isCloseTo(1, org.assertj.core.api.Assertions.within(1e-6));
  }

  @Test
  void whatIsTooLargeIsRefused() {
    refused(chain("s", splitter("s", 2000, "r") + "," + RESOLVER, TARGET), "more than 1024 others");
    String many =
        IntStream.range(0, 2000)
            .mapToObj(i -> RESOLVER.replace("\"r\"", "\"r" + i + "\""))
            .collect(Collectors.joining(","));
    refused(chain("r1", many, TARGET), "more than 1024 nodes");
    String failover =
        IntStream.range(0, 2000).mapToObj(i -> "\"t\"").collect(Collectors.joining(","));
    refused(
        chain(
            "r",
            "\"r\":{\"Type\":\"resolver\",\"Resolver\":{\"Target\":\"t\",\"Failover\":{\"Targets\":["
                + failover
                + "]}}}",
            TARGET),
        "more than 1024 others");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"x\"", "{}", "[]", "true", "-1", "101", "1e400", "null"})
  void aWeightThatIsNoneIsRefused(String weight) {
    refused(
        chain(
            "s",
            "\"s\":{\"Type\":\"splitter\",\"Splits\":[{\"Weight\":"
                + weight
                + ",\"NextNode\":\"r\"}]},"
                + RESOLVER,
            TARGET),
        "");
  }

  @Test
  void aChainThatLeadsInACircleIsRefused() {
    refused(
        chain(
            "a",
            "\"a\":{\"Type\":\"router\",\"Routes\":[{\"NextNode\":\"b\"}]},"
                + splitter("b", 1, "a"),
            TARGET),
        "branches without end");
  }

  @Test
  void theChainOfAnotherServiceIsRefused() throws Exception {
    String chain = chain("r", RESOLVER, TARGET);
    String named = "{\"Chain\":{\"ServiceName\":\"%s\",";
    refused(chain.replace("{\"Chain\":{", named.formatted("billing")), "of another service");
    assertThat(decode(chain.replace("{\"Chain\":{", named.formatted("DB"))))
        .isEqualTo(Route.to(Destination.parse("db")));
  }

  @Test
  void aFieldTwiceIsRefused() {
    refused(
        chain("r", RESOLVER, TARGET)
            .replace("{\"Chain\":{", "{\"Chain\":{\"Protocol\":\"http\",\"Protocol\":\"http2\","),
        "a field twice");
    refused(chain("r", RESOLVER + "," + RESOLVER, TARGET), "a field twice");
  }
}
