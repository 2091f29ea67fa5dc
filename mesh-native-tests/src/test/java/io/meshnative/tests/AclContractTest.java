package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ControlPlaneException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.NoEndpointException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Check;
import io.meshnative.intention.DefaultDecision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a client can do with which token, where the default is to deny: all with a service identity,
 * nothing without, and in between it says what is missing.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, false, CONSCRYPT",
  "EMBEDDED_1_8, false, CONSCRYPT",
  "CONSUL, false, CONSCRYPT"
})
class AclContractTest extends Contract {
  @TempDir Path folder;

  @Override
  @BeforeParameterizedClassInvocation
  void startPlane() throws IOException {
    plane = kind.startWithAcls();
  }

  private ConsulConfig.Builder agent() {
    return ConsulConfig.builder().address("http://" + plane.httpAddr());
  }

  private MeshClient.Builder client(String service, ConsulConfig config) {
    return cast.on(MeshClient.builder(service).consul(config));
  }

  private MeshClient.Builder identified(String service) throws IOException {
    return client(service, agent().token(plane.serviceToken(service)).build());
  }

  private String rows(String service) throws IOException {
    return plane.api().require("GET", "/v1/health/connect/" + service + "?passing", "");
  }

  @Test
  void aServiceIdentityIsAllThatAServiceNeeds() throws Exception {
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    MeshClient db =
        cast.ready(
            identified("db")
                .register(Cast.ofListener().withChecks(Check.ttl(Duration.ofSeconds(3))))
                .listener(events::add));
    MeshClient web = cast.ready(identified("web").listener(events::add));
    MeshClient api = cast.ready(identified("api").listener(events::add));
    assertThat(db.snapshot().defaultDecision()).isEqualTo(DefaultDecision.DENY);
    Echo echo = cast.echo(db);
    plane.allow("web", "db");
    Cast.await("db is found and healthy", () -> rows("db").contains("db-" + echo.port()));
    Cast.awaitEndpoint(web, "db");
    Cast.awaitEndpoint(api, "db");
    Cast.awaitReaches(web, "db", true);
    assertThat(Cast.reaches(api, "db")).isFalse();
    SSLSocket open = cast.keep(web.dial("db"));
    plane.remove("web", "db");
    Cast.await("what was allowed is cut", open::isClosed);
    assertThat(List.of(db.state(), web.state(), api.state())).containsOnly(MeshState.READY);
    db.shutdown(Duration.ofSeconds(1)).toCompletableFuture().get(60, TimeUnit.SECONDS);
    Cast.await("db has left", () -> !rows("db").contains("db-" + echo.port()));
    assertThat(events)
        .doesNotHaveAnyElementsOfTypes(
            MeshEvent.ControlPlaneFailed.class,
            MeshEvent.Warning.class,
            MeshEvent.UpdateRefused.class);
  }

  /** The rights that a client has said it lacks. */
  private static Set<String> missing(List<MeshEvent> events) {
    return events.stream()
        .filter(MeshEvent.ControlPlaneFailed.class::isInstance)
        .map(event -> ((MeshEvent.ControlPlaneFailed) event).cause())
        .filter(ControlPlaneException.class::isInstance)
        .flatMap(cause -> ((ControlPlaneException) cause).missingAcl().stream())
        .collect(Collectors.toSet());
  }

  private static String reasonOf(MeshClient client) throws InterruptedException {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return "";
    } catch (MeshNotReadyException e) {
      return e.getMessage();
    }
  }

  /**
   * Each of its own name: from 1.16 on an agent hands a leaf that it has cached to whoever asks for
   * it.
   */
  private void neverReady(String service, ConsulConfig config) throws Exception {
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    MeshClient client = cast.keep(client(service, config).listener(events::add).build());
    Cast.await(
        "it says which rights are missing",
        () ->
            missing(events)
                .containsAll(
                    Set.of(
                        "service:write on \"" + service + "\"",
                        "intentions:read on \"" + service + "\"")));
    assertThat(client.state()).isEqualTo(MeshState.STARTING);
    assertThat(reasonOf(client))
        .contains("waiting for an identity, intentions from")
        .contains("403")
        .contains("on \"" + service + "\"; a service identity of the service grants it");
  }

  @Test
  void withoutATokenAClientSaysWhichRightsItLacks() throws Exception {
    neverReady("stranger", agent().build());
  }

  @Test
  void theTokenOfAnotherServiceIsNoHelp() throws Exception {
    String token =
        plane.tokenWithRules("web-only-" + kind, "service \"web\" { policy = \"write\" }");
    neverReady("ledger", agent().token(token).build());
  }

  @Test
  void anUnknownTokenIsToldFromOneThatLacksRights() throws Exception {
    MeshClient web =
        cast.keep(client("web", agent().token(UUID.randomUUID().toString()).build()).build());
    Cast.await(
        "it says that the token is unknown",
        () -> reasonOf(web).contains("the token is unknown, expired or revoked"));
    assertThat(web.state()).isEqualTo(MeshState.STARTING);
  }

  @Test
  void aTokenThatMaySeeNoNodesFindsNobodyAndTheDialSaysWhy() throws Exception {
    MeshClient db = cast.ready(identified("db").register(Cast.ofListener()));
    Echo echo = cast.echo(db);
    plane.allow("web", "db");
    Cast.await("db is found and healthy", () -> rows("db").contains("db-" + echo.port()));
    String token =
        plane.tokenWithRules("write-only-" + kind, "service \"web\" { policy = \"write\" }");
    MeshClient web = cast.ready(client("web", agent().token(token).build()));
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("service:read on \"db\" and node:read");
    assertThat(web.state()).isEqualTo(MeshState.READY);
  }

  @Test
  void aTokenThatIsDestroyedLeavesTheServiceStaleAndItSaysSo() throws Exception {
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    String token = plane.serviceToken("db");
    MeshClient db =
        cast.ready(
            client("db", agent().token(token).build())
                .register(Cast.ofListener())
                .listener(events::add));
    MeshClient web = cast.ready(identified("web"));
    MeshClient api = cast.lawless("api");
    cast.echo(db);
    plane.allow("web", "db");
    Cast.awaitEndpoint(web, "db");
    Cast.awaitEndpoint(api, "db");
    Cast.awaitReaches(web, "db", true);
    SSLSocket open = cast.keep(web.dial("db"));
    Echo.ping(open);

    plane.destroyToken(token);
    plane.allow("batch", "db"); // ends the call that waits; the next one meets the refusal

    Cast.await("db is stale", () -> db.state() == MeshState.STALE);
    Cast.await(
        "db says why",
        () ->
            events.stream()
                .filter(MeshEvent.ControlPlaneFailed.class::isInstance)
                .anyMatch(event ->
                    String.valueOf(((MeshEvent.ControlPlaneFailed) event).cause().getMessage())
                        .contains("the token is unknown, expired or revoked")));
    Echo.ping(open);
    assertThat(Cast.reaches(web, "db")).as("what was allowed").isTrue();
    assertThat(Cast.reaches(api, "db")).as("what was denied").isFalse();
    assertThat(events.toString()).doesNotContain(token);
  }

  @Test
  void aTokenFileThatChangesInterruptsNoCallAndTheNextOneUsesIt() throws Exception {
    String first = plane.serviceToken("db");
    String second = plane.serviceToken("db");
    Path file = Files.writeString(folder.resolve("token"), first + "\n");
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    try (AgentRelay relay = new AgentRelay(plane.httpAddr())) {
      ConsulConfig config =
          ConsulConfig.builder().address("http://" + relay.httpAddr()).tokenFile(file).build();
      MeshClient db =
          cast.ready(
              client("db", config)
                  .register(Cast.ofListener().withChecks(Check.ttl(Duration.ofSeconds(3))))
                  .listener(events::add));
      Echo echo = cast.echo(db);
      Cast.await("db is found and healthy", () -> rows("db").contains("db-" + echo.port()));
      Cast.await("its watches wait", () -> waiting(relay).size() >= 4);
      List<AgentRelay.Call> waiting = waiting(relay);
      int before = relay.calls().size();
      assertThat(relay.calls()).extracting(AgentRelay.Call::token).containsOnly(first);

      Path next = Files.writeString(folder.resolve("next"), second + "\n");
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);

      Cast.await("it is registered with the new token", () -> registers(relay, before, second));
      assertThat(waiting).as("calls that wait go on").noneMatch(call -> call.ended().get());
      plane.destroyToken(first);
      plane.allow("web", "db");
      awaitExplained(db, "web", true);
      Cast.await("its watches wait again", () -> waiting(relay).size() >= 4);
      plane.remove("web", "db");
      awaitExplained(db, "web", false);
      assertThat(relay.calls().subList(before, relay.calls().size()))
          .as("calls since")
          .isNotEmpty()
          .extracting(AgentRelay.Call::token)
          .containsOnly(second);
      assertThat(db.state()).isEqualTo(MeshState.READY);
      assertThat(events).doesNotHaveAnyElementsOfTypes(MeshEvent.ControlPlaneFailed.class);
      db.close();
      assertThat(rows("db")).doesNotContain("db-" + echo.port());
    }
  }

  private static List<AgentRelay.Call> waiting(AgentRelay relay) {
    return relay.calls().stream()
        .filter(call -> call.path().contains("index=") && !call.ended().get())
        .toList();
  }

  private static boolean registers(AgentRelay relay, int from, String token) {
    return relay.calls().subList(from, relay.calls().size()).stream()
        .anyMatch(call ->
            call.path().startsWith("/v1/agent/service/register") && call.token().equals(token));
  }
}
