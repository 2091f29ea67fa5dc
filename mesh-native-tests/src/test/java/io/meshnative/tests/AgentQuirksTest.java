package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.Faults;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What agents do that their documentation does not say, imitated: a client lives with it. */
@ExtendWith(Quiet.class)
class AgentQuirksTest {
  /**
   * What is asked of the agent while a watch is not held by it: a burst of two, then one a second.
   */
  private static final int CALLS = 5;

  private static final Duration LEAST = Duration.ofSeconds(CALLS - 3);

  @TempDir Path directory;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private <T extends AutoCloseable> T closing(T resource) {
    open.push(resource);
    return resource;
  }

  private EmbeddedControlPlane start(EmbeddedControlPlane.Builder builder) {
    return closing(builder.start());
  }

  private MeshClient client(String service, ConsulConfig config) throws Exception {
    MeshClient client = closing(MeshClient.builder(service).consul(config).build());
    client.awaitReady(Cast.GUARD);
    return client;
  }

  private static ConsulConfig config(EmbeddedControlPlane plane, String token) {
    ConsulConfig.Builder config = ConsulConfig.builder().address(plane.httpAddr());
    if (!token.isEmpty()) {
      config.token(token);
    }
    return config.build();
  }

  /** An agent and what it does to a client that watches the endpoints of db. */
  private record Quirk(
      String name, EmbeddedControlPlane plane, String token, Consumer<Faults> fault) {}

  private Quirk blind(String name, EmbeddedControlPlane.Builder builder) {
    EmbeddedControlPlane plane = start(builder.acls(true).defaultAllow(false));
    plane.register("db", "db-1", "127.0.0.1", 1);
    // It may have its leaf, and see nobody.
    return new Quirk(
        name, plane, plane.tokenWithRules("service \"web\" { policy = \"write\" }"), faults -> {});
  }

  private Quirk faulty(String name, Consumer<Faults> fault) {
    EmbeddedControlPlane plane = start(EmbeddedControlPlane.builder());
    plane.register("db", "db-1", "127.0.0.1", 1);
    return new Quirk(name, plane, "", fault);
  }

  @Test
  void aWatchThatTheAgentDoesNotHoldAsksAtALeisurelyPace() throws Exception {
    List<Quirk> quirks =
        List.of(
            blind("1.8, nothing to see", EmbeddedControlPlane.builder().mimic(ConsulVersion.V1_8)),
            blind("1.10 without streaming, nothing to see", withoutStreaming()),
            faulty("no leader", faults -> faults.noLeader(true)),
            faulty("429 without a word", faults -> faults.rateLimit(true)),
            faulty("an error at index 1", faults -> faults.status("/v1/health/", 500, "oops")),
            faulty("an index that falls", faults -> faults.indexBackwards(true)));
    List<CompletableFuture<Void>> watchers = new ArrayList<>();
    Map<String, Duration> taken = new ConcurrentHashMap<>();
    for (Quirk quirk : quirks) {
      MeshClient web = client("web", config(quirk.plane(), quirk.token()));
      closing(web.watch(Destination.parse("db"), endpoints -> {})::close);
      // Not before: where the destination's chain cannot be read, nobody asks for its endpoints.
      Cast.await(quirk.name() + ": asked", () -> health(quirk.plane()) > 0);
      quirk.fault().accept(quirk.plane().faults());
      quirk.plane().cut();
      long start = System.nanoTime();
      long before = health(quirk.plane());
      watchers.add(
          Background.run(() -> {
            Cast.await(
                quirk.name() + ": asked again", () -> health(quirk.plane()) >= before + CALLS);
            taken.put(quirk.name(), Duration.ofNanos(System.nanoTime() - start));
          }));
    }
    for (CompletableFuture<Void> watcher : watchers) {
      watcher.get(2 * Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(taken).hasSameSizeAs(quirks);
    assertThat(taken).allSatisfy((name, time) -> assertThat(time).isGreaterThan(LEAST));
  }

  private static EmbeddedControlPlane.Builder withoutStreaming() {
    return EmbeddedControlPlane.builder().streaming(false);
  }

  private static long health(EmbeddedControlPlane plane) {
    return plane.requests("/v1/health/connect/db");
  }

  @Test
  void aStreamingAgentHoldsAWatchThatMaySeeNothing() throws Exception {
    Quirk quirk = blind("1.10", EmbeddedControlPlane.builder());
    MeshClient web = client("web", config(quirk.plane(), quirk.token()));
    closing(web.watch(Destination.parse("db"), endpoints -> {})::close);
    // Of the leaf, the roots, the intentions on both sides, and the endpoints.
    Cast.await("every watch is held", () -> quirk.plane().blockedCalls() >= 5);
    assertThat(health(quirk.plane())).isLessThanOrEqualTo(4);

    // It is woken by what it may not see, shows nothing of it, and waits again.
    quirk.plane().register("db", "db-2", "127.0.0.1", 2);

    Cast.await("it is held again", () -> quirk.plane().blockedCalls() >= 5);
    assertThat(web.endpoints(Destination.parse("db"))).isEmpty();
    assertThat(health(quirk.plane())).isLessThanOrEqualTo(6);
  }

  @ParameterizedTest
  @EnumSource(ConsulVersion.class)
  void intentionsFollowWhetherOrNotTheirAnswersHaveAnIndex(ConsulVersion version) throws Exception {
    EmbeddedControlPlane plane = start(EmbeddedControlPlane.builder().mimic(version));
    MeshClient db = client("db", config(plane, ""));
    for (int i = 0; i < 3; i++) {
      plane.deny("web", "db");
      Cast.await("web is denied", () -> !db.explain("web").isAllowed());
      plane.allow("web", "db");
      Cast.await("web is allowed", () -> db.explain("web").isAllowed());
    }
    // 1.8 wakes for the intentions of others, too; nothing else may have been asked for.
    Cast.await("both sides are held", () -> plane.blockedCalls() >= 4);
    assertThat(plane.requests("/v1/connect/intentions")).isLessThan(60);
  }

  @ParameterizedTest
  @EnumSource(ConsulVersion.class)
  void aDefaultOfDenyThatIsIgnoredIsNotBelieved(ConsulVersion version) throws Exception {
    EmbeddedControlPlane plane =
        start(EmbeddedControlPlane.builder().mimic(version).ignoredDefaultDeny(true));
    MeshClient db = client("db", config(plane, ""));
    assertThat(db.explain("web").isAllowed()).isTrue();
    assertThat(new AgentApi(plane.httpAddr(), "").authorize("db", uri(plane, "web"))).isTrue();
  }

  private static String uri(EmbeddedControlPlane plane, String service) {
    return "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/" + service;
  }

  @Test
  void aSigningLimitDelaysTheFirstLeafAndNothingSpins() throws Exception {
    EmbeddedControlPlane plane = start(EmbeddedControlPlane.builder());
    plane.faults().signingLimit(true);
    MeshClient web = closing(MeshClient.builder("web").consul(config(plane, "")).build());
    Cast.await("it is refused", () -> plane.requests("/v1/agent/connect/ca/leaf/") >= 2);
    assertThat(web.state()).isEqualTo(MeshState.STARTING);

    plane.faults().signingLimit(false);

    web.awaitReady(Cast.GUARD);
  }

  @Test
  void anEstablishedClientOutlivesTheLossOfTheLeader() throws Exception {
    EmbeddedControlPlane plane = start(EmbeddedControlPlane.builder());
    Cast cast = closing(new Cast(new EmbeddedPlane(plane)));
    MeshClient db = cast.registered("db");
    cast.echo(db);
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    Cast.awaitReaches(web, "db", true);

    plane.faults().noLeader(true);
    Cast.await("its watches fail", () -> web.state() == MeshState.STALE);

    assertThat(Cast.reaches(web, "db")).isTrue();
    plane.faults().noLeader(false);
    plane.deny("web", "db");
    Cast.awaitReaches(web, "db", false);
  }

  @Test
  void overAUnixSocketTheClientSpeaksTlsWithThePlaneAsInNomadsBridgeMode() throws Exception {
    Path socket = directory.resolve("s");
    EmbeddedControlPlane plane =
        start(
            EmbeddedControlPlane.builder().tls(directory).verifyIncoming(true).unixSocket(socket));
    Map<String, String> nomad =
        Map.of(
            "CONSUL_HTTP_ADDR",
            "unix://" + socket,
            "CONSUL_HTTP_SSL",
            "true",
            "CONSUL_TLS_SERVER_NAME",
            "localhost",
            "CONSUL_CACERT",
            plane.tlsFiles().caCertificate().toString(),
            "CONSUL_CLIENT_CERT",
            plane.tlsFiles().clientCertificate().toString(),
            "CONSUL_CLIENT_KEY",
            plane.tlsFiles().clientKey().toString());

    MeshClient web = client("web", ConsulConfig.fromEnvironment(nomad));

    assertThat(web.identity().id()).hasToString(uri(plane, "web"));
    plane.deny("*", "web");
    Cast.await("a watch wakes through the socket", () -> !web.explain("db").isAllowed());
  }

  @Test
  void aBearerTokenFromAFileLogsInIsReadAgainAndTheLoginEndsWithTheClient() throws Exception {
    EmbeddedControlPlane plane =
        start(EmbeddedControlPlane.builder().acls(true).defaultAllow(false));
    KeyPair keys = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    plane.jwtLogin(
        "jwt",
        ConsulAgent.pem("PUBLIC KEY", keys.getPublic().getEncoded()),
        "idp",
        "consul",
        "svc",
        Duration.ofSeconds(5));
    Path bearer = Files.writeString(directory.resolve("bearer"), jwt(keys, "web"));
    ConsulConfig config =
        ConsulConfig.builder()
            .address(plane.httpAddr())
            .login(ConsulLogin.of("jwt", bearer).withMeta(Map.of("pod", "shop/web-0")))
            .build();
    MeshClient web = client("web", config);
    String first = logins(plane);
    assertThat(first).contains("shop/web-0");

    Files.writeString(bearer, jwt(keys, "web") + "\n");
    Cast.await(
        "another login, and the first given back",
        () -> {
          String now = logins(plane);
          return !now.equals(first) && now.split("shop/web-0", -1).length == 2;
        });
    assertThat(plane.requests("/v1/acl/login")).isGreaterThanOrEqualTo(2);
    web.close();

    Cast.await("nobody is logged in", () -> !logins(plane).contains("shop/web-0"));
  }

  private static String logins(EmbeddedControlPlane plane) throws IOException {
    return new AgentApi(plane.httpAddr(), plane.token()).require("GET", "/v1/acl/tokens", "");
  }

  private static String jwt(KeyPair keys, String service) throws Exception {
    String claims =
        "{\"iss\":\"idp\",\"aud\":\"consul\",\"svc\":\"%s\",\"exp\":%d}"
            .formatted(service, Instant.now().plusSeconds(300).getEpochSecond());
    Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
    String signed =
        encoder.encodeToString("{\"alg\":\"RS256\"}".getBytes(StandardCharsets.UTF_8))
            + "."
            + encoder.encodeToString(claims.getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(keys.getPrivate());
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + "." + encoder.encodeToString(signature.sign());
  }
}
