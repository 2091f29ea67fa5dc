package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshObserver;
import io.meshnative.MeshServerSocket;
import io.meshnative.NoEndpointException;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.micrometer.MeshDialContext;
import io.meshnative.micrometer.MeshDialObservationConvention;
import io.meshnative.micrometer.MeshHandshakeObservationConvention;
import io.meshnative.micrometer.MeshObservations;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.MeshTestAuthority;
import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.SSLSocket;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Dials and handshakes as OpenTelemetry's own SDK sees them, and as observers do. */
@Timeout(120)
class ObservationsTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
  private final MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
  private final InMemorySpanExporter spans = InMemorySpanExporter.create();
  private final SdkTracerProvider provider =
      SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(spans)).build();
  private final ObservationRegistry registry = ObservationRegistry.create();

  ObservationsTest() {
    registry
        .observationConfig()
        .observationHandler(
            new DefaultTracingObservationHandler(
                new OtelTracer(provider.get("tests"), new OtelCurrentTraceContext(), event -> {})));
  }

  @AfterEach
  void stop() {
    web.close();
    db.close();
    provider.close();
  }

  private MeshServerSocket listen() throws IOException {
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    return server;
  }

  private static @Nullable String attribute(SpanData span, String name) {
    return span.getAttributes().get(AttributeKey.stringKey(name));
  }

  private SpanData span(String name) {
    List<SpanData> found =
        spans.getFinishedSpanItems().stream().filter(span -> span.getName().equals(name)).toList();
    assertThat(found).as(name + " among " + spans.getFinishedSpanItems()).hasSize(1);
    return found.get(0);
  }

  @Test
  void aDialInsideATracedRequestIsItsChildAndTheHandshakeTheDials() throws Exception {
    MeshServerSocket server = listen();
    try (Subscription observing = MeshObservations.of(web, registry).start()) {
      Observation.createNotStarted("request", registry)
          .observeChecked(() -> {
            web.dial("db").close();
          });
    }
    SpanData request = span("request");
    SpanData dial = span("dial db");
    SpanData handshake = span("TLS handshake");
    assertThat(dial.getParentSpanId()).isEqualTo(request.getSpanId());
    assertThat(handshake.getParentSpanId()).isEqualTo(dial.getSpanId());
    String port = Integer.toString(server.getLocalPort());
    assertThat(attribute(dial, "server.address")).isEqualTo("db");
    assertThat(attribute(dial, "server.port")).isEqualTo(port);
    assertThat(attribute(dial, "network.peer.address")).isEqualTo("127.0.0.1");
    assertThat(attribute(dial, "network.peer.port")).isEqualTo(port);
    assertThat(attribute(dial, "mesh.service")).isEqualTo("web");
    assertThat(attribute(dial, "mesh.outcome")).isEqualTo("connected");
    assertThat(attribute(dial, "mesh.attempts")).isEqualTo("1");
    assertThat(attribute(dial, "error.type")).isNull();
    assertThat(attribute(handshake, "tls.established")).isEqualTo("true");
    assertThat(attribute(handshake, "tls.protocol.name")).isEqualTo("tls");
    assertThat(attribute(handshake, "tls.protocol.version")).isEqualTo("1.3");
    assertThat(attribute(handshake, "tls.cipher")).startsWith("TLS_");
    assertThat(attribute(handshake, "tls.resumed")).isEqualTo("false");
    assertThat(attribute(handshake, "tls.next_protocol")).isNull();
    assertThat(attribute(handshake, "server.address")).isEqualTo("db");
    assertThat(attribute(handshake, "network.peer.port")).isEqualTo(port);
    assertThat(attribute(handshake, "mesh.peer.id")).isEqualTo(authority.serviceUri("db", "dc1"));
  }

  @Test
  void aDialThatFailsTellsTheErrorAndLeavesTheRequestsScopeAsItWas() throws Exception {
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", Ports.reserve()));
    Observation request = Observation.start("request", registry);
    try (Subscription observing = MeshObservations.of(web, registry).start();
        Observation.Scope scope = request.openScope()) {
      assertThatThrownBy(() -> web.dial("db")).isInstanceOf(NoEndpointException.class);
      assertThat(registry.getCurrentObservation()).isSameAs(request);
    }
    request.stop();
    SpanData dial = span("dial db");
    assertThat(attribute(dial, "error.type")).isEqualTo(NoEndpointException.class.getName());
    assertThat(attribute(dial, "mesh.outcome")).isEqualTo("failed");
    assertThat(dial.getStatus().getStatusCode().name()).isEqualTo("ERROR");
  }

  @Test
  void outsideOfAnyObservationNothingIsObserved() throws Exception {
    listen();
    try (Subscription observing = MeshObservations.of(web, registry).start();
        Subscription inbound = MeshObservations.of(db, registry).start()) {
      web.dial("db").close();
    }
    assertThat(spans.getFinishedSpanItems()).isEmpty();
  }

  @Test
  void aConventionOfTheApplicationsNamesThem() throws Exception {
    listen();
    MeshDialObservationConvention own =
        new MeshDialObservationConvention() {
          @Override
          public String getContextualName(MeshDialContext context) {
            return "call " + context.destination();
          }

          @Override
          public KeyValues getHighCardinalityKeyValues(MeshDialContext context) {
            return KeyValues.of(KeyValue.of("team", "payments"));
          }
        };
    try (Subscription observing =
        MeshObservations.of(web, registry)
            .withDialConvention(own)
            .withHandshakeConvention(
                new MeshHandshakeObservationConvention() {
                  @Override
                  public String getName() {
                    return "own.handshake";
                  }
                })
            .start()) {
      Observation.createNotStarted("request", registry)
          .observeChecked(() -> {
            web.dial("db").close();
          });
    }
    assertThat(attribute(span("call db"), "team")).isEqualTo("payments");
    assertThat(attribute(span("call db"), "server.address")).isNull();
  }

  @Test
  void aHandshakeOfOkHttpIsAChildOfTheRequestThatWantsTheConnection() throws Exception {
    MeshServerSocket server = listen();
    Background.run(() -> answerOnce(server));
    try (Subscription observing = MeshObservations.of(web, registry).start()) {
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      Observation.createNotStarted("request", registry)
          .observeChecked(() -> {
            http.newCall(new Request.Builder().url("https://db.mesh/").build()).execute().close();
          });
    }
    assertThat(span("TLS handshake").getParentSpanId()).isEqualTo(span("request").getSpanId());
    assertThat(attribute(span("TLS handshake"), "tls.next_protocol")).isNull();
  }

  private static void answerOnce(MeshServerSocket server) {
    try (SSLSocket caller = server.accept()) {
      int last = 0;
      for (int next = caller.getInputStream().read(); next >= 0; ) {
        last = last << 8 | next;
        if (last == 0x0d0a0d0a) {
          caller
              .getOutputStream()
              .write("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".getBytes("US-ASCII"));
          return;
        }
        next = caller.getInputStream().read();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the caller's call fails then, and the test with it
    }
  }

  /** Writes down what it hears. */
  private static final class Notes implements MeshObserver {
    final ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();

    @Override
    public DialObserver onAdapterDial(Destination destination) {
      return dial("adapter " + destination);
    }

    @Override
    public DialObserver onDial(Destination destination) {
      return dial("dial " + destination);
    }

    private DialObserver dial(String what) {
      return new DialObserver() {
        @Override
        public void connected() {
          heard.add(what + " connected");
        }

        @Override
        public void failed(Throwable failure) {
          heard.add(what + " failed " + failure.getClass().getSimpleName());
        }

        @Override
        public void givenUp() {
          heard.add(what + " given up");
        }
      };
    }

    @Override
    public HandshakeObserver onHandshake(Handshake handshake) {
      return new HandshakeObserver() {
        @Override
        public void completed(Agreement done) {
          heard.add(handshake.direction() + " completed with " + done.peer());
        }

        @Override
        public void ended(Outcome outcome, Optional<SpiffeId> peer, String reason) {
          heard.add(handshake.direction() + " " + outcome + " by " + peer + ": " + reason);
        }
      };
    }
  }

  @Test
  void observersHearOfDialsOfAdaptersToo() throws Exception {
    MeshServerSocket server = listen();
    Notes notes = new Notes();
    Background.run(() -> answerOnce(server));
    try (Subscription observing = web.observe(notes)) {
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      http.newCall(new Request.Builder().url("https://db.mesh/").build()).execute().close();
    }
    assertThat(notes.heard)
        .containsExactly(
            "OUTBOUND completed with " + authority.serviceUri("db", "dc1"), "adapter db connected");
    int nobody = Ports.reserve();
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", nobody));
    Cast.await(
        "the endpoint where nobody listens is the only one",
        () ->
            web.endpoints(Destination.parse("db")).stream()
                .map(endpoint -> endpoint.port())
                .toList()
                .equals(List.of(nobody)));
    notes.heard.clear();
    try (Subscription observing = web.observe(notes)) {
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      assertThatThrownBy(
              () -> http.newCall(new Request.Builder().url("https://db.mesh/").build()).execute())
          .isInstanceOf(IOException.class);
    }
    assertThat(notes.heard)
        .isNotEmpty()
        .allMatch(
            line -> line.startsWith("adapter db failed") || line.equals("adapter db given up"));
  }

  @Test
  void aRefusalNamesWhoWasRefused() throws Exception {
    dbPlane.intentions(
        FakeControlPlane.update(
            io.meshnative.intention.DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
    listen();
    Notes notes = new Notes();
    try (Subscription observing = db.observe(notes)) {
      assertThatThrownBy(
              () -> {
                try (SSLSocket near = web.dial("db")) {
                  near.setSoTimeout(60_000);
                  near.getInputStream().read();
                }
              })
          .isInstanceOf(IOException.class);
      Cast.await("the refusal is told", () -> !notes.heard.isEmpty());
    }
    assertThat(notes.heard)
        .singleElement()
        .asString()
        .startsWith("INBOUND REFUSED by Optional[" + authority.serviceUri("web", "dc1"))
        .contains("default/web => default/db");
  }

  @Test
  void anObserverThatFailsEndsNoConnection() throws Exception {
    MeshServerSocket server = listen();
    try (Subscription observing =
        web.observe(
            new MeshObserver() {
              @Override
              public DialObserver onDial(Destination destination) {
                return new DialObserver() {
                  @Override
                  public void connected() {
                    throw new AssertionError("as planned");
                  }

                  @Override
                  public void failed(Throwable failure) {}
                };
              }

              @Override
              public HandshakeObserver onHandshake(Handshake handshake) {
                throw new IllegalStateException("as planned");
              }
            })) {
      try (SSLSocket near = web.dial("db");
          SSLSocket far = server.accept()) {
        near.getOutputStream().write(7);
        far.setSoTimeout(60_000);
        assertThat(far.getInputStream().read()).isEqualTo(7);
      }
    }
  }

  @Test
  void whereNobodyObservesADialOfAnAdapterAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Destination destination = Destination.parse("db");
    int calls = 100_000;
    MeshObserver.DialObserver first = web.observeDial(destination);
    for (int i = 0; i < calls; i++) {
      assertThatSame(first, web.observeDial(destination));
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < calls; i++) {
      assertThatSame(first, web.observeDial(destination));
    }
    // Interpreted or compiled: an object a call would be 1,600,000 bytes and more.
    assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(calls);
  }

  private static void assertThatSame(Object one, Object other) {
    if (one != other) {
      throw new AssertionError("expected " + one + ", found " + other);
    }
  }
}
