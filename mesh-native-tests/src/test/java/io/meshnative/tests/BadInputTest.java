package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshNotReadyException;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.intention.Decision;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.ServiceRow;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be used is refused in words: what was expected, what was found, what to do. */
@ExtendWith(Quiet.class)
class BadInputTest {
  private EmbeddedPlane plane;
  private EmbeddedControlPlane embedded;
  private Cast cast;

  @BeforeEach
  void start() {
    plane = EmbeddedPlane.start(true);
    embedded = plane.plane();
    cast = new Cast(plane);
  }

  @AfterEach
  void stop() throws Exception {
    cast.close();
    plane.close();
  }

  // ---- names and settings ----

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|1 to 128 characters, found 0",
        "web/db|U+002F at position 3",
        "http://web|U+003A at position 4",
        "db:5432|U+003A at position 2",
        "-db|U+002D at position 0",
        "db-|U+002D at position 2",
        "..|U+002E at position 0",
        "*|U+002A at position 0",
        "d b|U+0020 at position 1",
        "dbé|U+00E9 at position 2",
      })
  @Tag("T54")
  void aNameThatIsNoServiceNameIsRefused(String name, String found) {
    for (Consumer<String> taker :
        List.<Consumer<String>>of(
            MeshClient::builder,
            Destination::parse,
            text -> Destination.builder("db").datacenter(text).build())) {
      assertThatThrownBy(() -> taker.accept(name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("expected a ")
          .hasMessageContaining(found);
    }
  }

  @Test
  void aNameThatIsTooLongIsRefused() {
    assertThatThrownBy(() -> Destination.parse("a".repeat(129)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected a service name of 1 to 128 characters, found 129");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ftp://127.0.0.1:8500|its scheme is not http, https or unix",
        "127.0.0.1|it has no port; the agent's HTTP port is 8500",
        "127.0.0.1:0|its port is not a number from 1 to 65535",
        "127.0.0.1:65536|its port is not a number from 1 to 65535",
        "127.0.0.1:http|its port is not a number from 1 to 65535",
        "http://u:p@127.0.0.1:8500|it holds '@'; give a user and password by CONSUL_HTTP_AUTH",
        "127.0.0.1:8500/prefix|it has a path and no scheme; write http:// or https:// before it",
        "http://127.0.0.1:8500/?token=x|it holds a query or a fragment",
        "http://127.0.0.1:8500/../v1|dot segment",
        "http://:8500|its host is empty",
        "http://[::1:8500|a '[' has no ']'",
        "unix://run/consul.sock|must begin with '/'",
      })
  void anAddressThatIsNoneIsRefusedWithoutRepeatingIt(String address, String why) {
    assertThatThrownBy(() -> ConsulConfig.builder().address(address).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "the address of the Consul agent: expected host:port, http://host:port, ")
        .hasMessageContaining("found another text: ")
        .hasMessageContaining(why)
        .message()
        .doesNotContain("token=x")
        .doesNotContain("u:p");
  }

  @Test
  @Tag("T15")
  void plaintextToAnotherMachineIsRefused() {
    assertThatThrownBy(() -> ConsulConfig.builder().address("http://consul.example:8500").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "expected HTTPS or an agent on this machine, found http://consul.example:8500")
        .hasMessageContaining("private key would cross the network in plaintext")
        .hasMessageContaining("allowPlaintext(true)");
  }

  @Test
  void aSettingGivenTwiceIsRefused() {
    ConsulConfig config = plane.config();
    for (UnaryOperator<MeshClient.Builder> setting :
        List.<UnaryOperator<MeshClient.Builder>>of(
            b -> b.consul(config),
            b -> b.register(Registration.of(1)),
            b -> b.tls12(true, true),
            b -> b.sessionResumption(false),
            b -> b.tlsProvider(TlsProvider.jsse()),
            b -> b.stalePolicy(io.meshnative.StalePolicy.untilIdentityEnds()),
            b -> b.retirePolicy(io.meshnative.RetirePolicy.defaults()),
            b -> b.executor(Runnable::run),
            b -> b.clock(Clock.systemUTC()))) {
      MeshClient.Builder builder = setting.apply(MeshClient.builder("web"));
      assertThatThrownBy(() -> setting.apply(builder))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageMatching("expected \\w+ to be set once, found it set twice");
    }
  }

  @Test
  void twoControlPlanesAreRefused() throws Exception {
    MeshClient.Builder both = plane.lawlessClient("web").consul(plane.config());
    assertThatThrownBy(both::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(
            "expected one of consul(…), controlPlane(…) or the four sources one by one, found [");
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThatThrownBy(() -> Registration.of(0))
        .hasMessageContaining("expected a port from 1 to 65535, found 0");
    assertThatThrownBy(() -> Registration.of(65_536)).hasMessageContaining("found 65536");
    assertThatThrownBy(() -> Registration.ofListener().withWeight(0))
        .hasMessageContaining("expected a weight from 1");
    assertThatThrownBy(() -> Registration.ofListener().withId(" "))
        .hasMessageContaining("found a blank one");
    assertThatThrownBy(() -> DialOptions.defaults().withTimeout(Duration.ZERO))
        .hasMessageContaining("expected a positive timeout, found PT0S");
    assertThatThrownBy(() -> ListenOptions.defaults().withLimits(0, 1))
        .hasMessageContaining("expected positive limits");
  }

  // ---- the catalog ----

  private MeshClient web() throws Exception {
    return cast.client("web");
  }

  private static void assertNoEndpoint(MeshClient web, String... found) {
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOfSatisfying(
            NoEndpointException.class,
            e -> {
              assertThat(e.destination()).isEqualTo(Destination.parse("db"));
              assertThat(e)
                  .message()
                  .startsWith("expected an endpoint of db, found ")
                  .contains(found);
            });
  }

  @Test
  void aServiceWithoutInstanceHasNoEndpoint() throws Exception {
    assertNoEndpoint(
        web(),
        "no healthy instance of it in the mesh",
        "registered as connect-native or with a sidecar");
  }

  @Test
  void aServiceWithCriticalInstancesOnlyHasNoEndpoint() throws Exception {
    embedded.register(ServiceRow.nativeService("db", "db-1", "127.0.0.1", 5432).status("critical"));
    assertNoEndpoint(web(), "no healthy instance of it in the mesh", "are its checks passing?");
  }

  @Test
  void rowsThatTheTokenMayNotSeeAreToldApartFromNone() throws Exception {
    try (AgentRelay relay = new AgentRelay(plane.httpAddr())) {
      relay.hideRows(path -> path.startsWith("/v1/health/connect/"));
      ConsulConfig config = ConsulConfig.builder().address("http://" + relay.httpAddr()).build();
      MeshClient web = cast.ready(MeshClient.builder("web").consul(config));
      assertNoEndpoint(
          web,
          "an answer that hides instances",
          "the token needs service:read on \"db\" and node:read (a service identity token has both)");
      web.close();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Tag("T54")
  void aRowWithoutPortIsSkipped(boolean sidecar) throws Exception {
    embedded.register(
        sidecar
            ? ServiceRow.sidecar("db", "db-1", "127.0.0.1", 0)
            : ServiceRow.nativeService("db", "db-1", "127.0.0.1", 0));
    assertNoEndpoint(
        web(), "instances that cannot be used", "db-1", "expected a port from 1 to 65535, found 0");
  }

  @Test
  void aRowOfAnotherDatacenterIsSkipped() throws Exception {
    embedded.register(ServiceRow.nativeService("db", "db-1", "127.0.0.1", 5432).datacenter("dc9"));
    assertNoEndpoint(
        web(), "instances that cannot be used", "expected the datacenter dc1, found \"dc9\"");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRowOfAnotherServiceIsSkipped(boolean sidecar) throws Exception {
    embedded.register(
        (sidecar
                ? ServiceRow.sidecar("cache", "cache-1", "127.0.0.1", 5432)
                : ServiceRow.nativeService("cache", "cache-1", "127.0.0.1", 5432))
            .listedAs("db"));
    assertNoEndpoint(
        web(), "instances that cannot be used", "expected the service db, found \"cache\"");
  }

  @Test
  void aBadRowDoesNotHideAGoodOne() throws Exception {
    embedded.register(ServiceRow.nativeService("db", "a-bad", "127.0.0.1", 0));
    MeshClient db = cast.registered("db");
    cast.echo(db);
    MeshClient web = web();
    Cast.awaitEndpoint(web, "db");
    assertThat(Cast.reaches(web, "db")).isTrue();
  }

  @Test
  void anAddressWhereNobodyListensIsNamed() throws Exception {
    int port = Ports.reserve();
    embedded.register("db", "db-1", "127.0.0.1", port);
    MeshClient web = web();
    Cast.awaitEndpoint(web, "db");
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("expected a connection to one of the endpoints of db, found none")
        .hasMessageContaining("127.0.0.1:" + port);
  }

  @Test
  @Tag("T08")
  @Tag("T13")
  void anotherServiceAtTheAddressIsFoundOut() throws Exception {
    MeshClient cache = cast.client("cache");
    Echo echo = cast.echo(cache);
    embedded.register("db", "db-1", "127.0.0.1", echo.port());
    MeshClient web = web();
    Cast.awaitEndpoint(web, "db");
    String db = web.identity().id().toString().replaceAll("web$", "db");
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOfSatisfying(
            PeerIdentityException.class,
            e -> {
              assertThat(e.expected()).isEqualTo(db);
              assertThat(e.actual()).contains(cache.identity().id().toString());
            })
        .hasMessageContaining("expected " + db + " to answer for db")
        .hasMessageContaining("found " + cache.identity().id())
        .hasMessageContaining("look at its registration");
    assertThat(echo.bytes()).isZero();
  }

  @Test
  void whatSpeaksNoTlsIsFoundOut() throws Exception {
    try (ServerSocket plain = new ServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress());
        Echo echo = new Echo(plain)) {
      embedded.register("db", "db-1", "127.0.0.1", echo.port());
      MeshClient web = web();
      Cast.awaitEndpoint(web, "db");
      assertThatThrownBy(() -> web.dial("db"))
          .isInstanceOf(NoEndpointException.class)
          .hasMessageContaining("127.0.0.1:" + echo.port());
    }
  }

  // ---- the plane's own mistakes ----

  @Test
  @Tag("T14")
  void aLeafOfAnotherServiceIsNotTaken() throws Exception {
    embedded.faults().leafForOtherService("admin");
    MeshClient web = cast.keep(plane.client("web").build());
    Cast.await("it has seen the leaf", () -> notReady(web).contains("last error"));
    assertThat(notReady(web))
        .contains("expected a certificate for the service web")
        .contains("found one for spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/admin");
    embedded.faults().leafForOtherService(null);
    web.awaitReady(Cast.GUARD);
    assertThat(web.identity().id())
        .hasToString("spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/web");
  }

  private static String notReady(MeshClient client) throws Exception {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return "";
    } catch (MeshNotReadyException e) {
      return e.getMessage();
    }
  }

  @Test
  @Tag("T14")
  void aLeafOfAnotherServiceDoesNotReplaceTheOneHeld() throws Exception {
    MeshClient web = web();
    long generation = web.trustGeneration();
    embedded.faults().leafForOtherService("admin");
    Cast.await("it has seen the leaf", () -> web.state() == io.meshnative.MeshState.STALE);
    assertThat(web.trustGeneration()).isEqualTo(generation);
    assertThat(web.identity().id().toString()).endsWith("/svc/web");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Action\":\"allow\",\"Precedence\":9,\"OnlyOn\":\"monday\"}|OnlyOn",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Action\":\"maybe\",\"Precedence\":9}|Action",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Precedence\":9}|neither a known Action nor Permissions",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Action\":\"allow\",\"Precedence\":42}|Precedence",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Precedence\":9,\"Permissions\":[{\"Action\":\"allow\",\"HTTP\":{\"PathRegex\":\"(\"}}]}|(",
      })
  @Tag("T23")
  @Tag("P3")
  void anIntentionThatIsNotUnderstoodDeniesItsWholeDestination(String json, String named)
      throws Exception {
    MeshClient db = cast.registered("db");
    MeshClient web = cast.lawless("web");
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    Cast.awaitReaches(web, "db", true);
    embedded.rawIntention("db", json);
    Cast.await("the defect is found", () -> db.snapshot().policyDefect().isPresent());
    assertThat(db.snapshot().policyDefect().orElseThrow())
        .contains("everything is denied")
        .contains(named);
    for (String source : List.of("web", "anybody")) {
      assertThat(db.explain(source))
          .isInstanceOfSatisfying(
              Decision.Denied.class,
              denied -> assertThat(denied.cause()).isEqualTo(Decision.Cause.DEFECTIVE_POLICY));
    }
    assertThat(Cast.reaches(web, "db")).isFalse();
    embedded.removeIntentions();
    Cast.awaitReaches(web, "db", true);
  }

  // ---- after the end ----

  @Test
  void aClosedClientSaysSo() throws Exception {
    MeshClient web = web();
    web.close();
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("web is closed");
    assertThatThrownBy(() -> web.listen(0))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("web is closed");
    assertThatThrownBy(() -> web.awaitReady(Duration.ofMillis(1)))
        .isInstanceOf(MeshNotReadyException.class)
        .hasMessageContaining("web is closed");
    assertThat(web.explain("anybody").isAllowed()).isFalse();
  }

  @Test
  void aDeniedDialNamesTheRuleAndWhomToAsk() throws Exception {
    MeshClient web = web();
    plane.deny("web", "db");
    Cast.await("web says no", () -> !web.explain(Destination.parse("db")).isAllowed());
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("expected that " + web.identity().id() + " may call db")
        .hasMessageContaining("default/web => default/db (precedence 9, deny)")
        .hasMessageContaining("ask the owner of db for an intention");
  }
}
