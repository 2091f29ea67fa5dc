package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.Lease;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.MeshPeer;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.RequestGate;
import io.meshnative.RequestLease;
import io.meshnative.Withdrawal;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** Who is at the other end, who hears when the right ends, and how a service leaves. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, CONSCRYPT",
  "EMBEDDED, true, JSSE",
  "CONSUL, true, CONSCRYPT",
  "CONSUL, false, CONSCRYPT",
  "CONSUL, true, JSSE"
})
class PeersContractTest extends Contract {
  private static final Destination DB = Destination.parse("db");

  /**
   * A connection from web to db, both ends in hand; web keeps to the policy too, unless told
   * otherwise.
   */
  private record Stage(MeshClient web, MeshClient db, SSLSocket near, SSLSocket far) {}

  private Stage stage() throws Exception {
    return stage(cast.builder("web"));
  }

  private Stage stage(MeshClient.Builder webBuilder) throws Exception {
    grant("web", "db");
    MeshClient db = cast.registered("db");
    awaitExplained(db, "web", true);
    MeshClient web = cast.ready(webBuilder);
    awaitExplained(web, DB, true);
    MeshServerSocket server = cast.listen(db);
    server.setSoTimeout((int) Cast.GUARD.toMillis());
    Cast.awaitEndpoint(web, "db");
    SSLSocket near = cast.keep(web.dial("db"));
    SSLSocket far = cast.keep(server.accept());
    near.setSoTimeout((int) Cast.GUARD.toMillis());
    far.setSoTimeout((int) Cast.GUARD.toMillis());
    return new Stage(web, db, near, far);
  }

  @Test
  void bothEndsLearnWhoTheOtherIs() throws Exception {
    Stage stage = stage();
    assertThat(stage.db().snapshot().tlsProvider()).isEqualTo(tls.shown);
    MeshPeer caller = stage.db().peer(stage.far().getSession());
    assertThat(caller.id()).isEqualTo(stage.web().identity().id());
    assertThat(caller.getName()).isEqualTo(stage.web().identity().id().toString());
    assertThat(caller.service().service()).isEqualTo("web");
    assertThat(caller.leaf()).isEqualTo(stage.web().identity().chain().get(0));
    assertThat(caller.notAfter()).isEqualTo(stage.web().identity().notAfter());
    assertThat(caller.decision().isAllowed()).isTrue();
    assertThat(stage.web().peer(stage.near().getSession()).id())
        .isEqualTo(stage.db().identity().id());
    stage.web().verifyPeer(stage.near().getSession(), DB);
  }

  @Test
  void aLeafNamesAPeerAsLongAsItsConnectionLives() throws Exception {
    Stage stage = stage();
    X509Certificate leaf = stage.web().identity().chain().get(0);
    assertThat(stage.db().peer(leaf).id()).isEqualTo(stage.web().identity().id());
    X509Certificate unproven = stage.db().identity().chain().get(0);
    assertThatThrownBy(() -> stage.db().peer(unproven))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no caller has proven");
    stage.near().close();
    assertThat(stage.far().getInputStream().read()).isEqualTo(-1);
    stage.far().close();
    assertThatThrownBy(() -> stage.db().peer(leaf)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void clientsDoNotVouchForEachOthersPeers() throws Exception {
    Stage stage = stage();
    assertThatThrownBy(() -> stage.web().peer(stage.far().getSession()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("another client");
  }

  @Test
  void aPeerWhoseRightIsGoneIsNoPeerAnyMore() throws Exception {
    Stage stage = stage(cast.lawlessBuilder("web"));
    X509Certificate leaf = stage.web().identity().chain().get(0);
    withdraw("web", "db");
    Cast.await("the connection is closed", stage.far()::isClosed);
    assertThatThrownBy(() -> stage.db().peer(stage.far().getSession()))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("may call db");
    assertThatThrownBy(() -> stage.db().peer(leaf)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whoTracksASessionHearsOnceWhenItsRightEnds() throws Exception {
    Stage stage = stage(cast.lawlessBuilder("web"));
    List<Withdrawal> heard = new CopyOnWriteArrayList<>();
    List<Withdrawal> ended = new CopyOnWriteArrayList<>();
    List<Withdrawal> late = new CopyOnWriteArrayList<>();
    stage.db().track(stage.far().getSession(), heard::add);
    Lease closed = stage.db().track(stage.far().getSession(), ended::add);
    closed.close();
    withdraw("web", "db");
    Cast.await("the tracker hears", () -> !heard.isEmpty());
    assertThat(heard)
        .singleElement()
        .satisfies(withdrawal -> {
          assertThat(withdrawal.peer()).isEqualTo(stage.web().identity().id());
          assertThat(withdrawal.reason()).isInstanceOf(MeshAuthorizationException.class);
        });
    stage.db().track(stage.far().getSession(), late::add);
    Cast.await("who comes late hears at once", () -> !late.isEmpty());
    assertThat(ended).isEmpty();
    assertThat(heard).hasSize(1);
  }

  @Test
  void dialsAreDeniedBeforeRetireListenersRunAndTheConnectionIsCutAfter() throws Exception {
    Stage stage = stage();
    AtomicReference<Object> dialled = new AtomicReference<>();
    CompletableFuture<MeshException> told = new CompletableFuture<>();
    cast.keep(
        stage
                .web()
                .onRetire(
                    DB,
                    (destination, reason) -> {
                      try (SSLSocket socket = stage.web().dial("db")) {
                        dialled.set(socket);
                      } catch (IOException e) {
                        dialled.set(e);
                      }
                      told.complete(reason);
                    })
            ::close);
    withdraw("web", "db");
    assertThat(told.get(60, TimeUnit.SECONDS)).isInstanceOf(MeshAuthorizationException.class);
    assertThat(dialled.get()).isInstanceOf(MeshAuthorizationException.class);
    Cast.await("the connection is cut", stage.near()::isClosed);
  }

  @Test
  void theConnectionIsStillOpenWhileRetireListenersRun() throws Exception {
    grant("web", "db");
    MeshClient db = cast.ready(cast.lawlessBuilder("db").register(Cast.ofListener()));
    MeshClient web = cast.client("web");
    awaitExplained(web, DB, true);
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    SSLSocket socket = cast.keep(web.dial("db"));
    Echo.ping(socket);
    CompletableFuture<Boolean> open = new CompletableFuture<>();
    cast.keep(web.onRetire(DB, (destination, reason) -> open.complete(!socket.isClosed()))::close);
    withdraw("web", "db");
    assertThat(open.get(60, TimeUnit.SECONDS)).isTrue();
    Cast.await("then it is cut", socket::isClosed);
  }

  @Test
  void aServiceThatShutsDownIsNotFoundAnyMoreButFinishesWhatRuns() throws Exception {
    Stage stage = stage();
    CompletionStage<Void> done = stage.db().shutdown(Duration.ofMinutes(5));
    Cast.await("web sees it go", () -> stage.web().endpoints(DB).isEmpty());
    // Hidden by maintenance while it drains; taken out when it closes.
    assertThat(plane.api().require("GET", "/v1/health/connect/db?passing", ""))
        .doesNotContain("db-");
    stage.near().getOutputStream().write('!');
    assertThat(stage.far().getInputStream().read()).isEqualTo('!');
    assertThatThrownBy(
            () -> stage.db().listen(Cast.loopback(), io.meshnative.ListenOptions.defaults()))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("closed");
    assertThat(done.toCompletableFuture()).isNotDone();
    stage.near().close();
    assertThat(stage.far().getInputStream().read()).isEqualTo(-1);
    stage.far().close();
    done.toCompletableFuture().get(60, TimeUnit.SECONDS);
    assertThat(stage.db().state()).isEqualTo(MeshState.CLOSED);
  }

  @Test
  void aDrainThatTakesTooLongIsCut() throws Exception {
    Stage stage = stage();
    stage.db().shutdown(Duration.ofMillis(1)).toCompletableFuture().get(60, TimeUnit.SECONDS);
    assertThat(stage.far().isClosed()).isTrue();
    assertThatThrownBy(() -> stage.near().getInputStream().read()).isInstanceOf(IOException.class);
  }

  // ---- layer 7, which Consul before 1.9 does not have ----

  private static HttpRequestView request(String method, String target) throws Exception {
    return HttpRequestView.of(method, target, List.of("db"), Map.of());
  }

  @Test
  void anArmedGateLetsRequestsBeJudgedOneByOne() throws Exception {
    assumeTrue(kind == PlaneKind.EMBEDDED, "Consul before 1.9 knows no permissions");
    var embedded = ((EmbeddedPlane) plane).plane();
    embedded.intention(
        "web",
        "db",
        "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/v1/\",\"Methods\":[\"GET\"]}}]");
    embedded.deny("*", "db");
    MeshClient db = cast.client("db");
    MeshClient web = cast.lawless("web");
    Cast.await("the policy has arrived", () -> db.snapshot().inboundIntentions() == 2);
    RequestGate gate = db.requestGate();
    assertThat(db.serverContext(gate))
        .isSameAs(db.serverContext(gate))
        .isNotSameAs(db.serverContext());
    assertThatThrownBy(() -> loop(web, db, gate).send("GET")).isInstanceOf(SSLException.class);

    gate.arm();
    EngineLoop loop = loop(web, db, gate);
    assertThat(loop.send("GET")).isEqualTo("GET");
    MeshPeer peer = db.peer(loop.server().getSession());
    assertThat(peer.decision().isAllowed()).isFalse();
    // Where no permission of the deciding intention matches, the default decides, not the next
    // intention.
    assertThat(db.explain("web", request("POST", "/v1/rows")).isAllowed()).isEqualTo(defaultAllow);
    if (!defaultAllow) {
      assertThatThrownBy(() -> db.admit(peer, request("POST", "/v1/rows"), denied -> {}))
          .isInstanceOfSatisfying(
              MeshAuthorizationException.class,
              e -> {
                assertThat(e.decision().cause()).isEqualTo(Decision.Cause.DEFAULT);
                assertThat(e.decision().request()).isPresent();
              });
    }
    assertThat(db.explain("web", request("GET", "/v1/rows")).isAllowed()).isTrue();
    assertThat(db.explain("api", request("GET", "/v1/rows")).isAllowed()).isFalse();

    CompletableFuture<Decision.Denied> withdrawn = new CompletableFuture<>();
    RequestLease lease = db.admit(peer, request("GET", "/v1/rows?limit=3"), withdrawn::complete);
    assertThat(lease.decision().permissionIndex()).hasValue(0);
    List<Decision.Denied> finished = new CopyOnWriteArrayList<>();
    db.admit(peer, request("GET", "/v1/rows"), finished::add).close();
    embedded.intention(
        "web",
        "db",
        "[{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/v1/rows\"}},"
            + "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]");
    assertThat(withdrawn.get(60, TimeUnit.SECONDS).cause()).isEqualTo(Decision.Cause.PERMISSION);
    assertThat(finished).isEmpty();
    assertThat(loop.send("still open: other requests are allowed")).startsWith("still");
    try (RequestLease other = db.admit(peer, request("POST", "/v2/"), denied -> {})) {
      assertThat(other.decision().isAllowed()).isTrue();
    }

    gate.disarm();
    assertThatThrownBy(() -> loop.send("nobody judges requests")).isInstanceOf(SSLException.class);
    assertThatThrownBy(() -> db.admit(peer, request("POST", "/v2/"), denied -> {}))
        .isInstanceOf(MeshAuthorizationException.class);
    loop.end();
  }

  private static EngineLoop loop(MeshClient web, MeshClient db, RequestGate gate)
      throws SSLException {
    return new EngineLoop(
            web.clientContext(DB).createSSLEngine(), db.serverContext(gate).createSSLEngine())
        .handshake();
  }

  @Test
  void aDenyOfTheConnectionEndsAnAdmittedRequest() throws Exception {
    Stage stage = stage(cast.lawlessBuilder("web"));
    MeshPeer peer = stage.db().peer(stage.far().getSession());
    CompletableFuture<Decision.Denied> withdrawn = new CompletableFuture<>();
    stage.db().admit(peer, request("GET", "/"), withdrawn::complete);
    withdraw("web", "db");
    assertThat(withdrawn.get(60, TimeUnit.SECONDS).isAllowed()).isFalse();
    Cast.await("the connection is closed too", stage.far()::isClosed);
    assertThatThrownBy(() -> stage.db().admit(peer, request("GET", "/"), denied -> {}))
        .isInstanceOf(MeshAuthorizationException.class);
  }
}
