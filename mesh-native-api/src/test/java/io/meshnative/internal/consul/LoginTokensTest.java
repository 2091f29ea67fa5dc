package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.discovery.Registration;
import io.meshnative.identity.WorkloadIdentity;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoginTokensTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);
  private static final String BEARER = "header.payload.signature";

  @TempDir Path folder;
  private Path bearer;
  private final AtomicInteger logins = new AtomicInteger();
  private volatile int life = 3600;

  /** A clock whose pauses end only when the test lets them. */
  private final class Gate implements WatchClock {
    private final FakeClock time = new FakeClock();
    private final java.util.concurrent.Semaphore open = new java.util.concurrent.Semaphore(0);

    @Override
    public long nanoTime() {
      return time.nanoTime();
    }

    @Override
    public void pause(Duration pause) throws InterruptedException {
      if (Thread.currentThread().getName().endsWith("-login")) {
        open.acquire();
      } else {
        time.pause(Duration.ZERO);
        Thread.sleep(1);
      }
    }

    void pass(Duration duration) {
      time.advance(duration);
      open.release();
    }
  }

  private final Gate clock = new Gate();

  @BeforeEach
  void bearer() throws IOException {
    bearer = Files.writeString(folder.resolve("bearer"), BEARER + "\n");
  }

  private MockResponse login() {
    return Agents.json(
        "1",
        "{\"AccessorID\":\"a\",\"SecretID\":\"token-"
            + logins.incrementAndGet()
            + "\",\"CreateTime\":\"2026-01-01T00:00:00.123456789Z\",\"ExpirationTime\":\""
            + java.time.Instant.parse("2026-01-01T00:00:00.123456789Z").plusSeconds(life)
            + "\"}");
  }

  private ConsulConfig config(Agents agent) {
    return ConsulConfig.builder()
        .address(agent.address())
        .login(ConsulLogin.of("k8s", bearer).withMeta(Map.of("pod", "shop/web-0")))
        .build();
  }

  private ConsulControlPlane open(Agents agent) throws ControlPlaneException {
    return ConsulControlPlane.open(config(agent), "billing", clock, new SplittableRandom(1));
  }

  private static String token(RecordedRequest request) {
    return String.valueOf(request.getHeaders().get("X-Consul-Token"));
  }

  private static List<String> tokens(Agents agent, String path) {
    return agent.requests.stream()
        .filter(request -> request.getTarget().startsWith(path))
        .map(LoginTokensTest::token)
        .toList();
  }

  private MockResponse plane(RecordedRequest request) {
    String target = request.getTarget();
    if (target.startsWith("/v1/acl/login")) {
      return login();
    }
    if (target.contains("index=")) {
      return new MockResponse.Builder().code(500).headersDelay(1, TimeUnit.HOURS).build();
    }
    if (target.startsWith("/v1/agent/connect/ca/roots")) {
      return Exchange.load("1.10.3", "ca-roots").response();
    }
    if (target.startsWith("/v1/agent/connect/ca/leaf")) {
      return Exchange.load("1.10.3", "ca-leaf").response();
    }
    return new MockResponse.Builder().code(200).build();
  }

  @Test
  void theFirstCallLogsInOnceAndCloseLogsOutAfterDeregistering() throws Exception {
    try (Agents agent = Agents.answering(this::plane)) {
      ConsulControlPlane plane = open(agent);
      assertThat(agent.requests).isEmpty();
      plane.registrar().orElseThrow().register(Registration.of(9443));
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      identity.awaitValue();
      RecordedRequest login = agent.requests.get(0);
      assertThat(login.getMethod()).isEqualTo("POST");
      assertThat(login.getHeaders().get("X-Consul-Token")).isNull();
      assertThat(login.getBody().utf8())
          .isEqualTo(
              "{\"AuthMethod\":\"k8s\",\"BearerToken\":\"header.payload.signature\",\"Meta\":{\"pod\":\"shop/web-0\"}}");
      plane.registrar().orElseThrow().deregister();
      plane.close();
      plane.close();
      assertThat(logins).hasValue(1);
      assertThat(tokens(agent, "/v1/agent")).isNotEmpty().allMatch("token-1"::equals);
      assertThat(agent.targets())
          .filteredOn(t -> t.contains("deregister") || t.contains("acl"))
          .containsExactly(
              "/v1/acl/login", "/v1/agent/service/deregister/billing-9443", "/v1/acl/logout");
      assertThat(tokens(agent, "/v1/acl/logout")).containsExactly("token-1");
    }
  }

  @Test
  void atFourFifthsOfItsLifeTheTokenIsChangedUnderWatchesAndRegistrationAndTheOldOneGivenBack()
      throws Exception {
    try (Agents agent = Agents.answering(this::plane);
        ConsulControlPlane plane = open(agent)) {
      plane.registrar().orElseThrow().register(Registration.of(9443));
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      identity.awaitValue();
      await()
          .atMost(GENEROUS)
          .until(() -> tokens(agent, "/v1/agent/connect/ca/leaf/billing?index=").size() == 1);
      Files.writeString(bearer, "another.bearer.token");
      clock.pass(Duration.ofSeconds(2700)); // three quarters: not yet
      clock.pass(Duration.ofSeconds(200));
      await().atMost(GENEROUS).until(() -> agent.targets().contains("/v1/acl/logout"));
      await()
          .atMost(GENEROUS)
          .until(() -> tokens(agent, "/v1/agent/connect/ca/leaf").contains("token-2"));
      assertThat(identity.failures).isEmpty();
      assertThat(
              agent.requests.stream()
                  .filter(r -> r.getTarget().equals("/v1/acl/login"))
                  .map(r -> r.getBody().utf8())
                  .toList())
          .hasSize(2)
          .last()
          .asString()
          .contains("another.bearer.token");
      assertThat(tokens(agent, "/v1/agent/service/register")).containsExactly("token-1", "token-2");
      assertThat(tokens(agent, "/v1/acl/logout")).containsExactly("token-1");
      List<String> order =
          agent.targets().stream()
              .filter(t -> t.contains("register") || t.contains("acl"))
              .toList();
      assertThat(order)
          .containsExactly(
              "/v1/acl/login",
              "/v1/agent/service/register?replace-existing-checks=true",
              "/v1/acl/login",
              "/v1/agent/service/register?replace-existing-checks=true",
              "/v1/acl/logout");
    }
  }

  @Test
  void aTokenThatTheAgentNoLongerKnowsIsReplacedWithinTheSameCall() throws Exception {
    try (Agents agent =
        Agents.answering(request ->
            request.getTarget().startsWith("/v1/acl/login")
                ? login()
                : token(request).equals("token-1")
                    ? new MockResponse.Builder().code(403).body("ACL not found").build()
                    : Agents.json("1", "{}"))) {
      LoginTokens[] made = new LoginTokens[1];
      try (AgentClient client =
          new AgentClient(
              config(agent),
              unfinished ->
                  made[0] =
                      new LoginTokens(
                          unfinished,
                          config(agent).login().orElseThrow(),
                          "billing",
                          clock,
                          new SplittableRandom(1)))) {
        AgentCall call = AgentCall.get("agent", "services");
        ControlPlaneException early =
            catchThrowableOfType(
                ControlPlaneException.class, () -> client.execute(call, new Calls()));
        assertThat(early.status()).hasValue(403);
        assertThat(logins).as("a new token may not be known everywhere yet").hasValue(1);
        clock.time.advance(Duration.ofSeconds(16));
        assertThat(client.execute(call, new Calls()).index()).isEqualTo(1);
        assertThat(logins).hasValue(2);
      }
    }
  }

  @Test
  void t51AFailedLoginSaysWhatToCheckAndShowsNoBearerToken() throws Exception {
    try (Agents agent =
            Agents.answering(request ->
                new MockResponse.Builder()
                    .code(500)
                    .body("error validating " + BEARER + ": token is expired (exp)")
                    .build());
        ConsulControlPlane plane = open(agent)) {
      ControlPlaneException e =
          catchThrowableOfType(
              ControlPlaneException.class,
              () -> plane.registrar().orElseThrow().register(Registration.of(1)));
      StringWriter text = new StringWriter();
      e.printStackTrace(new PrintWriter(text));
      assertThat(text.toString())
          .doesNotContain(BEARER)
          .contains("auth method \"k8s\"")
          .contains("token is expired")
          .contains("(the bearer token)");
      Files.delete(bearer);
      clock.time.advance(Duration.ofMinutes(2));
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> plane.registrar().orElseThrow().register(Registration.of(1)))
          .withMessageContaining("CONSUL_LOGIN_BEARER_TOKEN_FILE");
    }
  }

  @Test
  void closingWhileALoginHangsDoesNotWaitForIt() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    try (Agents agent =
        Agents.answering(request -> {
          asked.countDown();
          return new MockResponse.Builder().code(200).headersDelay(1, TimeUnit.HOURS).build();
        })) {
      ConsulControlPlane plane = open(agent);
      plane.identity().start(new Recorder<>());
      plane.trust().start(new Recorder<>());
      assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
      plane.close();
      assertThat(agent.targets()).containsOnly("/v1/acl/login");
    }
  }
}
