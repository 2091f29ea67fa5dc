package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.intention.Permission.HeaderCondition;
import io.meshnative.intention.Permission.HeaderKind;
import io.meshnative.intention.Permission.PathCondition;
import io.meshnative.intention.Permission.PathKind;
import io.meshnative.spi.TrustUpdate;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every captured answer says what it says, decoded. */
class CapturedAnswersTest {
  private static final TrustDomain DOMAIN = TrustDomain.of("test.consul");

  static List<Exchange> roots() {
    return Exchange.all("/v1/agent/connect/ca/roots", 200);
  }

  static List<Exchange> leaves() {
    return Exchange.all("/v1/agent/connect/ca/leaf/", 200);
  }

  static List<Exchange> matches() {
    return Exchange.all("/v1/connect/intentions/match", 200).stream()
        .filter(exchange -> exchange.object().size() == 1)
        .toList();
  }

  static List<Exchange> health() {
    return Exchange.all("/v1/health/connect/", 200).stream()
        .filter(exchange -> exchange.tree() instanceof List<?>)
        .toList();
  }

  static List<Exchange> chains() {
    return Exchange.all("/v1/discovery-chain/", 200);
  }

  @Test
  void thereAreCapturedAnswersOfEachKind() {
    assertThat(chains()).hasSizeGreaterThan(30);
    assertThat(roots()).hasSizeGreaterThan(20);
    assertThat(leaves()).hasSizeGreaterThan(20);
    assertThat(matches()).hasSizeGreaterThan(25);
    assertThat(health()).hasSizeGreaterThan(30);
  }

  @ParameterizedTest
  @MethodSource("roots")
  void rootsAreTheListedOnesOfTheTrustDomainAndNoIntermediates(Exchange exchange) throws Exception {
    TrustUpdate update = RootsQuery.decode("roots", exchange.answer());

    assertThat(update.local().name()).isEqualTo(exchange.object().get("TrustDomain"));
    assertThat(update.bundles()).hasSize(1);
    assertThat(update.bundles().get(0).roots())
        .hasSize(((List<?>) exchange.object().get("Roots")).size());
  }

  @ParameterizedTest
  @MethodSource("chains")
  void aChainLeadsToTargetsThatItLists(Exchange exchange) throws Exception {
    Map<?, ?> chain = (Map<?, ?>) exchange.object().get("Chain");
    Set<String> listed = new TreeSet<>();
    ((Map<?, ?>) chain.get("Targets"))
        .forEach((id, target) -> listed.add((String) ((Map<?, ?>) target).get("Service")));

    Route route =
        new ChainDecoder(Destination.parse((String) chain.get("ServiceName")), "default")
            .decode("chain", exchange.answer());

    Set<String> reached = new TreeSet<>();
    route
        .branches()
        .forEach(branch ->
            branch.targets().forEach(target -> reached.add(target.destination().service())));
    assertThat(reached).isNotEmpty().isSubsetOf(listed); // not all: a router has other routes too
    assertThat(route.branches().stream().mapToDouble(Route.Branch::share).sum())
        .isCloseTo(1, within(1e-9));
  }

  @ParameterizedTest
  @MethodSource("leaves")
  void aLeafProvesItsServiceUri(Exchange exchange) throws Exception {
    Map<String, Object> object = exchange.object();
    String service = (String) object.get("Service");

    WorkloadIdentity identity =
        LeafQuery.decode("leaf", exchange.answer(), "default", "default", service);

    assertThat(identity.id()).hasToString((String) object.get("ServiceURI"));
    assertThat(identity.chain())
        .hasSize(((String) object.get("CertPEM")).split("BEGIN CERT", -1).length - 1);
  }

  @ParameterizedTest
  @MethodSource("matches")
  void intentionsStandAsTheyWereSentAndWithoutDefects(Exchange exchange) throws Exception {
    Map.Entry<String, Object> only = exchange.object().entrySet().iterator().next();
    List<?> sent = only.getValue() == null ? List.of() : (List<?>) only.getValue();

    List<Intention> read =
        new IntentionDecoder(Set.of()).decode("match", exchange.answer().body(), only.getKey());

    assertThat(read).hasSameSizeAs(sent);
    for (int i = 0; i < read.size(); i++) {
      Map<?, ?> raw = (Map<?, ?>) sent.get(i);
      Intention intention = read.get(i);
      assertThat(intention.defects()).isEmpty();
      assertThat(intention.source().name()).isEqualTo(raw.get("SourceName"));
      assertThat(intention.source().namespace()).isEqualTo(raw.get("SourceNS"));
      assertThat(intention.destination().name()).isEqualTo(raw.get("DestinationName"));
      assertThat(intention.precedence()).isEqualTo(((Double) raw.get("Precedence")).intValue());
      assertThat(
              intention.action().map(action -> action.name().toLowerCase(Locale.ROOT)).orElse(null))
          .isEqualTo(raw.get("Action"));
      List<?> permissions = (List<?>) raw.get("Permissions");
      assertThat(intention.permissions()).hasSize(permissions == null ? 0 : permissions.size());
    }
  }

  @Test
  void permissionsAreReadWithAllTheirConditions() throws Exception {
    Exchange exchange = Exchange.load("1.10.3", "intentions-match-destination-l7");

    Intention intention =
        new IntentionDecoder(Set.of()).decode("match", exchange.answer().body(), "api").get(0);

    Intention.Action allow = Intention.Action.ALLOW;
    Intention.Action deny = Intention.Action.DENY;
    assertThat(intention.description()).isEqualTo("L7 rules");
    assertThat(intention.permissions())
        .containsExactly(
            permission(deny, PathKind.PREFIX, "/admin", List.of(), List.of()),
            permission(allow, PathKind.EXACT, "/v1/status", List.of(), List.of("GET", "HEAD")),
            permission(
                allow, PathKind.REGEX, "/v1/items/[0-9]+(/.*)?", List.of(), List.of("GET", "PUT")),
            permission(
                allow,
                PathKind.PREFIX,
                "/v2/",
                List.of(
                    header("x-tenant", HeaderKind.EXACT, "acme", false),
                    header("X-Debug", HeaderKind.PRESENT, "", true)),
                List.of()),
            permission(
                allow,
                null,
                "",
                List.of(
                    header("x-role", HeaderKind.PREFIX, "svc-", false),
                    header("x-zone", HeaderKind.SUFFIX, "-prod", false),
                    header("x-build", HeaderKind.REGEX, "[a-f0-9]{7,40}", false),
                    header("x-req", HeaderKind.PRESENT, "", false)),
                List.of()),
            permission(
                deny,
                null,
                "",
                List.of(header("x-role", HeaderKind.EXACT, "guest", true)),
                List.of()),
            permission(allow, null, "", List.of(), List.of("OPTIONS")));
  }

  private static Permission permission(
      Intention.Action action,
      PathKind kind,
      String path,
      List<HeaderCondition> headers,
      List<String> methods) {
    Optional<PathCondition> condition =
        kind == null ? Optional.empty() : Optional.of(new PathCondition(kind, path));
    return new Permission(action, condition, headers, methods, false);
  }

  private static HeaderCondition header(
      String name, HeaderKind kind, String value, boolean invert) {
    return new HeaderCondition(name, kind, value, invert, false);
  }

  @ParameterizedTest
  @MethodSource("health")
  void everyRowIsEitherAnEndpointOrSkippedWithAReason(Exchange exchange) throws Exception {
    List<?> rows = (List<?>) exchange.tree();
    String service = exchange.path().replaceFirst("/v1/health/connect/([^?]+).*", "$1");

    EndpointSet set = decode(exchange, service);

    assertThat(set.endpoints().size() + set.skipped().size()).isEqualTo(rows.size());
    assertThat(set.endpoints())
        .allSatisfy(endpoint ->
            assertThat(endpoint.identity().spiffeId())
                .hasToString("spiffe://test.consul/ns/default/dc/dc1/svc/" + service));
  }

  private static EndpointSet decode(Exchange exchange, String service) throws Exception {
    return new HealthDecoder(Destination.parse(service), "default", "default", DOMAIN, null)
        .decode("health", exchange.answer());
  }

  @Test
  void theServiceAddressWinsOverTheNodesAndWeightsFollowHealth() throws Exception {
    EndpointSet set = decode(Exchange.load("1.10.3", "health-connect-native-mixed"), "pay");

    assertThat(set.endpoints())
        .extracting(Endpoint::instance, Endpoint::address, Endpoint::weight, Endpoint::kind)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple("pay-1", "10.0.0.5:9443", 10, Endpoint.Kind.NATIVE),
            org.assertj.core.groups.Tuple.tuple("pay-2", "127.0.0.1:9444", 1, Endpoint.Kind.NATIVE),
            org.assertj.core.groups.Tuple.tuple("pay-4", "127.0.0.1:9446", 1, Endpoint.Kind.NATIVE),
            // A path counts more than a port that stands beside it.
            org.assertj.core.groups.Tuple.tuple(
                "pay-6", "unix:/tmp/pay.sock", 1, Endpoint.Kind.NATIVE),
            org.assertj.core.groups.Tuple.tuple(
                "pay-7", "unix:/tmp/pay.sock", 1, Endpoint.Kind.NATIVE));
    assertThat(set.skipped())
        .anySatisfy(line -> assertThat(line).contains("pay-3", "not healthy"))
        .anySatisfy(line -> assertThat(line).contains("pay-5", "port"))
        .anySatisfy(line -> assertThat(line).contains("pay-8-sidecar-proxy", "not healthy"))
        .hasSize(3);
  }

  @Test
  void aSidecarAnswersForTheServiceThatItProxiesAtItsOwnPort() throws Exception {
    EndpointSet set = decode(Exchange.load("1.8.7", "health-connect-sidecar"), "web");

    Endpoint endpoint = set.endpoints().get(0);
    assertThat(endpoint.kind()).isEqualTo(Endpoint.Kind.PROXY);
    assertThat(endpoint.address()).isEqualTo("127.0.0.1:21000");
    assertThat(endpoint.identity().service()).isEqualTo("web");
  }

  @Test
  void anotherDatacenterIsReachedByItsWanAddress() throws Exception {
    Destination far = Destination.builder("pay").datacenter("dc1").build();
    EndpointSet set =
        new HealthDecoder(far, "default", "default", DOMAIN, "dc2")
            .decode(
                "health", Exchange.load("1.10.3", "health-connect-native-mixed-passing").answer());
    assertThat(set.endpoints())
        .extracting(Endpoint::address)
        .contains("198.51.100.7:19443", "127.0.0.1:9446");
  }

  @Test
  void anEmptyListTellsWhetherRowsMayBeHidden() throws Exception {
    assertThat(
            decode(Exchange.load("1.8.7", "acl-health-connect-no-rights"), "billing").emptiness())
        .isEqualTo(Emptiness.FILTERED_BY_ACL);
    assertThat(
            decode(Exchange.load("1.10.3", "acl-health-connect-anonymous"), "billing").emptiness())
        .isEqualTo(Emptiness.FILTERED_BY_ACL);
    assertThat(decode(Exchange.load("1.8.7", "health-connect-unknown-service"), "nope").emptiness())
        .isEqualTo(Emptiness.NO_INSTANCE);
    assertThat(
            decode(Exchange.load("1.10.3", "health-connect-unknown-service"), "none").emptiness())
        .isEqualTo(Emptiness.NO_INSTANCE);
  }
}
