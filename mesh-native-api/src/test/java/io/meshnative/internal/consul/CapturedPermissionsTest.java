package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The layer-7 intentions that a real server gave, decoded by the adapter and compiled: they decide
 * as the fixtures' README and the server's own answers say.
 */
class CapturedPermissionsTest {
  private static final TrustDomain DOMAIN = TrustDomain.of("test.consul");

  /** Expressions that the server stored and that compile nowhere. */
  private static final Set<String> BROKEN =
      Set.of(
          "1.10.3/intentions-match-destination-invalid-regex.json",
          "1.10.3/intentions-match-destination-header-without-kind.json");

  private static List<Intention> match(Exchange exchange, String name) throws Exception {
    return new IntentionDecoder(Set.of()).decode("match", exchange.answer().body(), name);
  }

  private static IntentionTable table(String fixture, String destination, DefaultDecision byDefault)
      throws Exception {
    return table(match(Exchange.load("1.10.3", fixture), destination), destination, byDefault);
  }

  private static IntentionTable table(
      List<Intention> intentions, String destination, DefaultDecision byDefault) {
    return IntentionTable.compile(
        new Intention.Destination("default", "default", destination), intentions, byDefault);
  }

  private static ConsulId.Service caller(String name) {
    return new ConsulId.Service(DOMAIN, "default", "default", "dc1", name);
  }

  private static HttpRequestView request(String method, String path) throws Exception {
    return HttpRequestView.of(method, path, List.of("api.example"), Map.of());
  }

  // ---- all of them ----

  /** By destination, one name each, with permissions in it. */
  static List<Arguments> matches() throws Exception {
    List<Arguments> found = new ArrayList<>();
    for (Exchange exchange : Exchange.all("/v1/connect/intentions/match", 200)) {
      boolean one = exchange.object().size() == 1 && exchange.path().contains("by=destination");
      String name = exchange.object().keySet().iterator().next();
      if (one && match(exchange, name).stream().anyMatch(i -> !i.permissions().isEmpty())) {
        found.add(Arguments.of(exchange, name));
      }
    }
    return found;
  }

  @Test
  void thereAreSomeOfEachKind() throws Exception {
    assertThat(matches()).hasSizeGreaterThanOrEqualTo(10);
    assertThat(matches())
        .extracting(arguments -> ((Exchange) arguments.get()[0]).name())
        .containsAll(BROKEN);
  }

  @ParameterizedTest
  @MethodSource("matches")
  void theyCompileUnlessAnExpressionIsBroken(Exchange exchange, String name) throws Exception {
    for (DefaultDecision byDefault : DefaultDecision.values()) {
      IntentionTable table = table(match(exchange, name), name, byDefault);

      assertThat(table.defect().isPresent()).isEqualTo(BROKEN.contains(exchange.name()));
    }
  }

  /** The README: a layer-7 intention counts as deny for {@code authorize} and {@code check}. */
  @ParameterizedTest
  @MethodSource("matches")
  void aConnectionIsDeniedWhoeverItsPermissionsAllow(Exchange exchange, String name)
      throws Exception {
    List<Intention> intentions = match(exchange, name);
    IntentionTable table = table(intentions, name, DefaultDecision.ALLOW);
    Decision.Cause expected =
        BROKEN.contains(exchange.name())
            ? Decision.Cause.DEFECTIVE_POLICY
            : Decision.Cause.NEEDS_REQUEST;
    for (Intention intention : intentions) {
      if (!intention.permissions().isEmpty()) {
        String source = intention.source().name();
        Decision decision =
            table.decide(caller(source.equals(Intention.WILDCARD) ? "anybody" : source));

        assertThat(((Decision.Denied) decision).cause()).as(source).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "intentions-match-destination-invalid-regex",
        "intentions-match-destination-header-without-kind"
      })
  void aBrokenExpressionDeniesTheDestinationWhateverTheDefault(String fixture) throws Exception {
    IntentionTable table = table(fixture, "snake", DefaultDecision.ALLOW);

    for (String source : List.of("web", "anybody")) {
      Decision decision = table.decide(caller(source), request("GET", "/"));
      assertThat(((Decision.Denied) decision).cause()).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
      assertThat(decision.reason()).contains("\"[\"", "permission 0", "default/web");
    }
  }

  // ---- what the server itself answered ----

  /** What {@code check} said under these intentions. */
  @ParameterizedTest
  @CsvSource({
    "intentions-check-l7-permissions, web",
    "intentions-check-l7-wildcard-source-permissions, mobile",
    "intentions-check-l7-mixed-l4-allow-source, ops",
    "intentions-check-l7-mixed-l4-deny-source, batch"
  })
  void aConnectionIsDecidedAsTheServerDecidedIt(String answer, String source) throws Exception {
    Exchange exchange = Exchange.load("1.10.3", answer);
    assertThat(exchange.path()).contains("source=" + source + "&destination=api");

    boolean allowed =
        table("intentions-match-destination-l7-mixed", "api", DefaultDecision.ALLOW)
            .decide(caller(source))
            .isAllowed();

    assertThat(allowed).isEqualTo(exchange.object().get("Allowed"));
  }

  // ---- requests ----

  /**
   * The last column: the permission that decides, none where a layer-4 intention or the default
   * does.
   */
  @ParameterizedTest
  @CsvSource({
    "l7-mixed, api, web, GET, /admin/x, deny, 0",
    "l7-mixed, api, web, HEAD, /v1/status, allow, 1",
    "l7-mixed, api, web, PUT, /v1/items/7/parts, allow, 2",
    "l7-mixed, api, web, GET, /healthz, default, ",
    "l7-mixed, api, web, OPTIONS, /healthz, allow, 6",
    "l7-mixed, api, mobile, GET, /healthz, allow, 0",
    "l7-mixed, api, mobile, GET, /healthz/, default, ",
    "l7-mixed, api, mobile, GET, /v1/status, default, ",
    "l7-mixed, api, ops, GET, /admin, allow, ",
    "l7-mixed, api, batch, GET, /healthz, deny, ",
    "l7-grpc, grpcsvc, web, POST, /pkg.Greeter/SayHello, allow, 0",
    "l7-grpc, grpcsvc, web, GET, /pkg.Greeter/SayHello, default, ",
    "l7-grpc, grpcsvc, web, POST, /pkg.Greeter/sayHello, default, ",
    "l7-grpc, grpcsvc, other, POST, /pkg.Greeter/SayHello, deny, ",
    "l7-http2, orders, web, GET, /orders/1, allow, 0",
    "l7-http2, orders, web, POST, /orders/1, deny, 1",
    "l7-http2, orders, web, GET, /, deny, 1",
    "after-exact, orders, mobile, GET, /m/1, allow, 0",
    "after-exact, orders, mobile, GET, /m, default, "
  })
  void aRequestIsDecidedByThePermissionThatItMeetsFirst(
      String fixture,
      String destination,
      String source,
      String method,
      String path,
      String expected,
      Integer permission)
      throws Exception {
    for (boolean allow : new boolean[] {true, false}) {
      IntentionTable table =
          table(
              "intentions-match-destination-" + fixture,
              destination,
              allow ? DefaultDecision.ALLOW : DefaultDecision.DENY);
      Decision decision = table.decide(caller(source), request(method, path));

      assertThat(decision.isAllowed())
          .as(decision.toString())
          .isEqualTo(expected.equals("allow") || (expected.equals("default") && allow));
      assertThat(index(decision))
          .isEqualTo(permission == null ? OptionalInt.empty() : OptionalInt.of(permission));
      assertThat(decision.intention().isPresent()).isEqualTo(!expected.equals("default"));
    }
  }

  private static OptionalInt index(Decision decision) {
    return decision instanceof Decision.Denied denied
        ? denied.permissionIndex()
        : ((Decision.Allowed) decision).permissionIndex();
  }
}
