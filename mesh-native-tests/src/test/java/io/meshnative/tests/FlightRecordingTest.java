package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerAuthorizer;
import io.meshnative.RequestLease;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import javax.net.ssl.SSLSocket;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a flight recording tells: names and fields that dashboards hang on. */
@Timeout(120)
class FlightRecordingTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final Recording recording = new Recording();
  @TempDir Path directory;
  private int dumps;
  private MeshClient web;
  private MeshClient db;

  /** The clients are older than the recording: it must not matter. */
  @BeforeEach
  void start() {
    web = MeshClient.builder("web").controlPlane(webPlane).build();
    db = MeshClient.builder("db").controlPlane(dbPlane).build();
    recording.start();
  }

  @AfterEach
  void stop() {
    web.close();
    db.close();
    recording.close();
  }

  private SSLSocket[] connect(ListenOptions options) throws IOException {
    MeshServerSocket server = db.listen(ANY_PORT, options);
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    SSLSocket near = web.dial("db");
    SSLSocket far = server.accept();
    return new SSLSocket[] {near, far};
  }

  private void denyAtDb() {
    dbPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
  }

  private List<RecordedEvent> events(String name) throws IOException {
    Path file = directory.resolve("dump-" + dumps++ + ".jfr");
    recording.dump(file);
    try {
      return RecordingFile.readAllEvents(file).stream()
          .filter(event -> event.getEventType().getName().equals("io.meshnative." + name))
          .toList();
    } finally {
      Files.delete(file);
    }
  }

  /** Waits for an event: some are committed by threads of the library. */
  private RecordedEvent await(String name, Predicate<RecordedEvent> which) {
    AtomicReference<RecordedEvent> found = new AtomicReference<>();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> {
          events(name).stream().filter(which).findFirst().ifPresent(found::set);
          return found.get() != null;
        });
    return found.get();
  }

  private static Predicate<RecordedEvent> with(String field, Object value) {
    return event -> Objects.equals(event.getValue(field), value);
  }

  private String id(String service) {
    return authority.serviceUri(service, "dc1");
  }

  @Test
  void aHandshakeIsRecordedAtBothEnds() throws Exception {
    connect(ListenOptions.defaults());
    RecordedEvent near = await("Handshake", with("service", "web"));
    RecordedEvent far = await("Handshake", with("service", "db"));
    assertThat(near.getString("direction")).isEqualTo("OUTBOUND");
    assertThat(near.getString("destination")).isEqualTo("db");
    assertThat(near.getString("peer")).isEqualTo(id("db"));
    assertThat(far.getString("direction")).isEqualTo("INBOUND");
    assertThat(far.getString("destination")).isNull();
    assertThat(far.getString("peer")).isEqualTo(id("web"));
    for (RecordedEvent end : List.of(near, far)) {
      assertThat(end.getString("protocol")).isEqualTo("TLSv1.3");
      assertThat(end.getString("cipherSuite")).startsWith("TLS_");
      assertThat(end.getString("remote")).startsWith("127.0.0.1:");
      assertThat(end.getString("outcome")).isEqualTo("completed");
      assertThat(end.getString("reason")).isNull();
      assertThat(end.getLong("trustGeneration")).isEqualTo(1);
      assertThat(end.getBoolean("resumed")).isFalse();
      assertThat(end.getDuration()).isPositive();
    }
  }

  @Test
  void aRefusedHandshakeSaysByWhom() throws Exception {
    denyAtDb();
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    assertThatThrownBy(
            () -> {
              try (SSLSocket near = web.dial("db")) {
                near.setSoTimeout(60_000);
                near.getInputStream().read();
              }
            })
        .isInstanceOf(IOException.class);
    RecordedEvent far = await("Handshake", with("service", "db"));
    assertThat(far.getString("outcome")).isEqualTo("refused");
    assertThat(far.getString("peer")).isEqualTo(id("web"));
    assertThat(far.getString("reason")).contains("default/web => default/db");
  }

  @Test
  void aHandshakeThatBreaksOffIsRecordedOnce() throws Exception {
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    try (Socket rude = new Socket("127.0.0.1", server.getLocalPort())) {
      rude.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes("US-ASCII"));
      while (rude.getInputStream().read() >= 0) { // until the listener has had enough
        continue;
      }
    }
    RecordedEvent far = await("Handshake", with("service", "db"));
    assertThat(far.getString("outcome")).isEqualTo("failed");
    assertThat(far.getString("peer")).isNull();
    assertThat(events("Handshake")).hasSize(1);
  }

  @Test
  void aDialTellsItsAttemptsAndItsOutcome() throws Exception {
    SSLSocket near = connect(ListenOptions.defaults())[0];
    RecordedEvent dial = await("Dial", with("service", "web"));
    assertThat(dial.getString("destination")).isEqualTo("db");
    assertThat(dial.getString("endpoint")).isEqualTo("127.0.0.1:" + near.getPort());
    assertThat(dial.getInt("attempts")).isEqualTo(1);
    assertThat(dial.getString("outcome")).isEqualTo("connected");
    assertThat(dial.getStackTrace().toString()).contains("FlightRecordingTest");

    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", Ports.reserve()));
    assertThatThrownBy(() -> web.dial("db")).isInstanceOf(IOException.class);
    RecordedEvent failed = await("Dial", with("outcome", "failed"));
    assertThat(failed.getInt("attempts")).isEqualTo(1);
    assertThat(failed.getString("reason")).contains("expected a connection");
  }

  @Test
  void aRotationTellsBothGenerations() throws Exception {
    webPlane.issue(authority, "web");
    RecordedEvent rotation = await("Rotation", with("service", "web"));
    assertThat(rotation.getLong("oldGeneration")).isEqualTo(1);
    assertThat(rotation.getLong("newGeneration")).isEqualTo(2);
    assertThat(rotation.getString("identity")).isEqualTo(id("web"));
    assertThat(rotation.getInt("roots")).isEqualTo(1);
    assertThat(rotation.getInstant("notAfter"))
        .isCloseTo(
            web.identity().notAfter(),
            org.assertj.core.api.Assertions.within(1, ChronoUnit.SECONDS));
  }

  @Test
  void aRevocationTellsHowLongItTook() throws Exception {
    connect(ListenOptions.defaults());
    denyAtDb();
    RecordedEvent revocation = await("Revocation", with("service", "db"));
    assertThat(revocation.getString("kind")).isEqualTo("CONNECTION");
    assertThat(revocation.getString("direction")).isEqualTo("INBOUND");
    assertThat(revocation.getString("peer")).isEqualTo(id("web"));
    assertThat(revocation.getLong("policyVersion")).isEqualTo(2);
    assertThat(revocation.getString("reason")).contains("default/web => default/db");
    assertThat(revocation.getLong("publishToCut")).isPositive();
    assertThat(revocation.getLong("age")).isNotNegative();

    RecordedEvent policy = await("PolicyChange", with("policyVersion", 2L));
    assertThat(policy.getString("service")).isEqualTo("db");
    assertThat(policy.getInt("intentions")).isEqualTo(1);
    assertThat(policy.getString("defaultDecision")).isEqualTo("ALLOW");
    assertThat(policy.getString("defect")).isNull();
    // The sweep is part of the change: the cut lies inside.
    assertThat(policy.getEndTime()).isAfterOrEqualTo(revocation.getEndTime());
  }

  @Test
  void aDenialNamesItsRuleAndAnAllowIsSilentUnlessAsked() throws Exception {
    SSLSocket[] ends =
        connect(ListenOptions.defaults().withAuthorizer(PeerAuthorizer.anyAuthenticatedPeer()));
    denyAtDb();
    HttpRequestView request =
        HttpRequestView.of("GET", "/secret?token=hidden", List.of("db"), Map.of());
    assertThatThrownBy(() -> db.admit(db.peer(ends[1].getSession()), request, withdrawn -> {}))
        .isInstanceOf(MeshAuthorizationException.class);
    RecordedEvent denied = await("Denied", with("service", "db"));
    assertThat(denied.getString("kind")).isEqualTo("REQUEST");
    assertThat(denied.getString("source")).isEqualTo(id("web"));
    assertThat(denied.getString("target")).isEqualTo("db");
    assertThat(denied.getString("action")).isEqualTo("DENY");
    assertThat(denied.getString("cause")).isEqualTo("INTENTION");
    assertThat(denied.getString("rule")).contains("default/web => default/db");
    assertThat(denied.getInt("permission")).isEqualTo(-1);
    assertThat(denied.getLong("policyVersion")).isEqualTo(2);
    assertThat(denied.getString("method")).isEqualTo("GET");
    assertThat(denied.getString("path")).isEqualTo("/secret");
    assertThat(denied.toString()).doesNotContain("hidden");
    assertThat(events("Allowed")).isEmpty();

    try (Recording asking = new Recording()) {
      asking.enable("io.meshnative.Allowed");
      asking.start();
      dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
      try (RequestLease lease = db.admit(db.peer(ends[1].getSession()), request, withdrawn -> {})) {
        assertThat(lease.decision().isAllowed()).isTrue();
      }
      asking.stop();
    }
    RecordedEvent allowed = await("Allowed", with("service", "db"));
    assertThat(allowed.getString("action")).isEqualTo("ALLOW");
    assertThat(allowed.getString("kind")).isEqualTo("REQUEST");
    assertThat(allowed.getLong("policyVersion")).isEqualTo(3);
  }

  @Test
  void aDialThatTheIntentionsDenyIsADenialToo() throws Exception {
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", 9));
    webPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
    assertThatThrownBy(() -> web.dial("db")).isInstanceOf(MeshAuthorizationException.class);
    RecordedEvent denied = await("Denied", with("service", "web"));
    assertThat(denied.getString("kind")).isEqualTo("DIAL");
    assertThat(denied.getString("direction")).isEqualTo("OUTBOUND");
    assertThat(denied.getString("source")).isEqualTo(id("web"));
    assertThat(denied.getString("target")).isEqualTo("db");
    assertThat(await("Dial", with("outcome", "denied")).getString("destination")).isEqualTo("db");
  }

  @Test
  void aFailingAgentIsCountedAndItsTokenStaysSecret() throws Exception {
    try (EmbeddedControlPlane plane =
            EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start();
        MeshClient lost =
            MeshClient.builder("lost")
                .consul(
                    ConsulConfig.builder()
                        .address(plane.address().toString())
                        .token("a-secret-nobody-may-see")
                        .build())
                .build()) {
      RecordedEvent first =
          await(
              "ControlPlaneError",
              with("path", "GET /v1/agent/connect/ca/leaf/lost").and(with("attempt", 1)));
      assertThat(first.getString("service")).isEqualTo("lost");
      assertThat(first.getInt("status")).isEqualTo(403);
      assertThat(first.getString("reason")).contains("ACL not found");
      await(
          "ControlPlaneError",
          with("path", "GET /v1/agent/connect/ca/leaf/lost").and(with("attempt", 2)));
      plane.faults().down();
      RecordedEvent silent = await("ControlPlaneError", with("status", 0));
      assertThat(silent.getString("reason")).contains("expected an answer from the agent");
      for (RecordedEvent error : events("ControlPlaneError")) {
        assertThat(error.toString()).doesNotContain("a-secret-nobody-may-see");
      }
    }
  }

  @Test
  void anAnswerThatCannotBeUsedIsAnErrorOfStatus200() throws Exception {
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.start();
        MeshClient client =
            MeshClient.builder("reader")
                .consul(ConsulConfig.builder().address(plane.address().toString()).build())
                .build()) {
      client.awaitReady(Duration.ofSeconds(60));
      plane.faults().garbageBodies(true);
      plane.allow("web", "reader");
      RecordedEvent error =
          await("ControlPlaneError", with("status", 200).and(with("service", "reader")));
      assertThat(error.getString("path")).startsWith("GET /v1/");
      assertThat(error.getInt("attempt")).isPositive();
    }
  }
}
