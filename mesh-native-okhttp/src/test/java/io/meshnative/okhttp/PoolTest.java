package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerRefusedException;
import io.meshnative.RetirePolicy;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okio.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of pooled connections, on each engine and in each HTTP. */
@ParameterizedClass(name = "{0}, {1}")
@CsvSource({"JSSE, HTTP_1_1", "JSSE, HTTP_2", "CONSCRYPT, HTTP_1_1", "CONSCRYPT, HTTP_2"})
class PoolTest {
  private static final int STREAM = 1 << 20;

  @Parameter(0)
  Engine engine;

  @Parameter(1)
  Protocol protocol;

  private World world;

  @BeforeEach
  void start() throws Exception {
    world = new World(engine);
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  /** Answers all, {@code /stream} slowly. */
  private static final class Serving extends Dispatcher {
    private final String body;

    Serving(String body) {
      this.body = body;
    }

    @Override
    public MockResponse dispatch(RecordedRequest request) {
      if (request.getTarget().equals("/stream")) {
        return new MockResponse.Builder()
            .body(new Buffer().write(new byte[STREAM]))
            .throttleBody(STREAM / 16, 50, TimeUnit.MILLISECONDS)
            .build();
      }
      return new MockResponse.Builder().body(body).build();
    }
  }

  private Application serving(String service) throws Exception {
    return serving(world.client(service), service + "-1", service);
  }

  private Application serving(MeshClient mesh, String id, String body) throws IOException {
    Application made =
        protocol == Protocol.HTTP_2
            ? new Application(world.plane, mesh, id)
            : new Application(world.plane, mesh, id, protocol);
    made.server.setDispatcher(new Serving(body));
    return world.keep(made);
  }

  private static void discard(Response response) throws IOException {
    assertThat(response.body().bytes()).as("the whole stream").hasSize(STREAM);
  }

  private void awaitEndpoints(String service, int count) {
    await()
        .atMost(World.GUARD)
        .until(() -> world.web.endpoints(Destination.parse(service)).size() == count);
  }

  // ---- draining ----

  @Test
  void aSteadyLoadMeetsNoFailureOverManyRotations() throws Exception {
    Application db = serving("db");
    AtomicBoolean stop = new AtomicBoolean();
    AtomicInteger served = new AtomicInteger();
    List<Future<?>> callers = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(3);
    world.keep(threads::shutdownNow);
    for (int i = 0; i < 3; i++) {
      callers.add(
          threads.submit(() -> {
            while (!stop.get()) {
              assertThat(world.get("https://db.mesh/")).isEqualTo("db");
              served.incrementAndGet();
            }
            return null;
          }));
    }
    try {
      for (int rotation = 0; rotation < 12; rotation++) {
        int then = served.get();
        world.plane.rotateRoot();
        await()
            .atMost(World.GUARD)
            .until(() ->
                callers.stream().anyMatch(Future::isDone)
                    || (World.trustsAll(world.web, world.plane)
                        && World.trustsAll(db.mesh, world.plane)
                        && served.get() > then + 10));
      }
    } finally {
      stop.set(true);
    }
    for (Future<?> caller : callers) {
      try {
        caller.get(World.GUARD.toSeconds(), TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        throw new AssertionError("a call failed", e.getCause());
      }
    }
  }

  @Test
  void whatRunsGoesOnOverARotationAndNewCallsTakeNewConnections() throws Exception {
    Application db = serving("db");
    try (Response stream = world.call("https://db.mesh/stream")) {
      int first = db.request().getConnectionIndex();
      long before = world.web.trustGeneration();
      world.plane.rotateRoot();
      await().atMost(World.GUARD).until(() -> world.web.trustGeneration() > before);
      assertThat(world.get("https://db.mesh/")).isEqualTo("db");
      assertThat(db.request().getConnectionIndex()).isNotEqualTo(first);
      discard(stream);
    }
  }

  @Test
  void anEndpointThatLeftTheCatalogGetsNoNewCallsAndEndsWhatRuns() throws Exception {
    Application one = serving("db");
    try (Response stream = world.call("https://db.mesh/stream")) {
      assertThat(one.request().getTarget()).isEqualTo("/stream");
      Application two = serving(one.mesh, "db-2", "two");
      awaitEndpoints("db", 2);
      world.plane.deregister("db-1");
      awaitEndpoints("db", 1);
      for (int i = 0; i < 3; i++) {
        assertThat(world.get("https://db.mesh/")).isEqualTo("two");
      }
      assertThat(two.server.getRequestCount()).isEqualTo(3);
      discard(stream);
    }
    assertThat(one.server.getRequestCount()).isEqualTo(1);
  }

  @Test
  void whereConfigEntriesLeadElsewhereNewCallsGoThere() throws Exception {
    serving("db");
    Application next = serving("db-v2");
    assertThat(world.get("https://db.mesh/")).isEqualTo("db");
    world.plane.configEntry(
        "{\"Kind\":\"service-resolver\",\"Name\":\"db\",\"Redirect\":{\"Service\":\"db-v2\"}}");
    await()
        .atMost(World.GUARD)
        .until(() ->
            world.web.endpoints(Destination.parse("db")).stream()
                .map(Endpoint::port)
                .toList()
                .equals(List.of(next.server.getPort())));
    assertThat(world.get("https://db.mesh/")).isEqualTo("db-v2");
  }

  @Test
  void aConnectionWhoseCertificatesGrowOldGetsNoNewCallsAndEndsWhatRuns() throws Exception {
    Queue<MeshEvent.Retiring> old = new ConcurrentLinkedQueue<>();
    MeshClient aging =
        world.client(
            "aging",
            builder ->
                builder
                    .retirePolicy(new RetirePolicy(1e-9, 2e-9)) // at once
                    .listener(event -> {
                      if (event instanceof MeshEvent.Retiring retiring) {
                        old.add(retiring);
                      }
                    }));
    Application db = serving("db");
    okhttp3.Call.Factory calls = MeshOkHttp.callFactory(World.plain().build(), aging);
    Request again = new Request.Builder().url("https://db.mesh/").build();
    Request stream = again.newBuilder().url("https://db.mesh/stream").build();
    try (Response running = calls.newCall(stream).execute()) {
      int first = db.request().getConnectionIndex();
      await().atMost(World.GUARD).until(() -> !old.isEmpty());
      try (Response response = calls.newCall(again).execute()) {
        assertThat(response.body().string()).isEqualTo("db");
      }
      assertThat(db.request().getConnectionIndex()).isNotEqualTo(first);
      discard(running);
    }
  }

  // ---- which endpoint ----

  /** Connects that nobody answers: more than the backlog holds. */
  private int hanging() throws IOException {
    ServerSocket full = world.keep(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
    for (int i = 0; i < 64; i++) {
      Socket waiting = world.keep(new Socket());
      try {
        waiting.connect(full.getLocalSocketAddress(), 300);
      } catch (SocketTimeoutException e) {
        return full.getLocalPort();
      }
    }
    throw new AssertionError("expected a full backlog to let callers wait, found none");
  }

  /** There is no connect timeout: only OkHttp's fast fallback gets past the one that hangs. */
  @Test
  void anEndpointThatHangsFailsNoCall() throws Exception {
    serving("db");
    world.plane.register("db", "db-hanging", "127.0.0.1", hanging());
    awaitEndpoints("db", 2);
    world.use(
        MeshCallOptions.defaults(),
        World.plain().connectTimeout(java.time.Duration.ZERO).fastFallback(true));
    for (int i = 0; i < 6; i++) {
      assertThat(world.get("https://db.mesh/")).isEqualTo("db");
      world.http().connectionPool().evictAll();
    }
  }

  // ---- ends ----

  @Test
  void aWithdrawnRightCutsTheRunningStreamAndNewCallsGoOnOnceItIsBack() throws Exception {
    Application db = serving("db");
    try (Response stream = world.call("https://db.mesh/stream")) {
      stream.body().source().require(1);
      world.plane.deny("web", "db");
      assertThatThrownBy(() -> discard(stream)).isInstanceOf(IOException.class);
    }
    world.awaitDecision(db, false);
    assertThatThrownBy(() -> world.get("https://db.mesh/")).isInstanceOf(MeshException.class);
    world.plane.allow("web", "db");
    world.awaitDecision(db, true);
    for (int i = 0; i < 3; i++) {
      assertThat(world.get("https://db.mesh/")).isEqualTo("db");
    }
  }

  /** TLS 1.3: the handshake is over for the caller when the other end says no. */
  @Test
  void aLateRefusalIsToldAsOne() throws Exception {
    MeshClient db = world.client("db");
    MeshServerSocket refusing =
        world.keep(
            db.listen(
                new InetSocketAddress("127.0.0.1", 0),
                ListenOptions.defaults()
                    .withAlpn(protocol.toString())
                    .withAuthorizer((peer, decision) -> false)));
    world.plane.register("db", "db-1", "127.0.0.1", refusing.getLocalPort());
    assertThatThrownBy(() -> world.get("https://db.mesh/"))
        .isInstanceOf(PeerRefusedException.class)
        .hasMessageContaining("intentions");
  }

  @Test
  void afterTheMeshClientHasClosedNothingIsPooledAndCallsFail() throws Exception {
    Application db = serving("db");
    assertThat(world.get("https://db.mesh/")).isEqualTo("db");
    world.web.close();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> world.get("https://db.mesh/")).isInstanceOf(MeshException.class);
    }
    assertThat(db.server.getRequestCount()).isEqualTo(1);
  }

  // ---- whose connection it is ----

  @Test
  @Tag("T12")
  void noConnectionIsSharedBetweenServices() throws Exception {
    Application db = serving("db");
    Application other = serving("other");
    for (int i = 0; i < 2; i++) {
      assertThat(world.get("https://db.mesh/")).isEqualTo("db");
      assertThat(world.get("https://other.mesh/")).isEqualTo("other");
    }
    assertThat(world.http().connectionPool().connectionCount()).isEqualTo(2);
    // At one address now: whoever is connected to it already is not asked for somebody else.
    world.plane.register("other", "other-1", "127.0.0.1", db.server.getPort());
    await()
        .atMost(World.GUARD)
        .until(() ->
            world.web.endpoints(Destination.parse("other")).stream()
                .allMatch(endpoint -> endpoint.port() == db.server.getPort()));
    int before = db.server.getRequestCount();
    assertThatThrownBy(() -> world.get("https://other.mesh/"))
        .isInstanceOf(io.meshnative.PeerIdentityException.class)
        .hasMessageContaining("/svc/other");
    assertThat(db.server.getRequestCount()).isEqualTo(before);
    assertThat(other.server.getRequestCount()).isEqualTo(2);
  }

  @Test
  @Tag("T12")
  void eachNewConnectionIsVerifiedByNameResumedOrNot() throws Exception {
    serving("db");
    serving("other");
    AtomicInteger verified = new AtomicInteger();
    world.use(MeshCallOptions.defaults(), World.plain());
    okhttp3.OkHttpClient counting =
        world
            .http()
            .newBuilder()
            .addInterceptor(chain -> {
              javax.net.ssl.HostnameVerifier own = chain.getHostnameVerifier();
              return chain
                  .withHostnameVerifier((host, session) -> {
                    verified.incrementAndGet();
                    assertThat(own.verify("other.mesh", session)).isFalse();
                    assertThat(own.verify("outside.test", session)).isFalse();
                    assertThat(own.verify("-.mesh", session)).isFalse();
                    return own.verify(host, session);
                  })
                  .proceed(chain.request());
            })
            .build();
    Request request = new Request.Builder().url("https://db.mesh/").build();
    world.web.endpointPool(Destination.parse("other"), World.GUARD);
    for (int i = 1; i <= 3; i++) {
      try (Response response = counting.newCall(request).execute()) {
        assertThat(response.body().string()).isEqualTo("db");
      }
      assertThat(verified.get()).isEqualTo(i);
      counting.connectionPool().evictAll();
    }
  }
}
