package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.AuditRecord;
import io.meshnative.AuditSink;
import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerAuthorizer;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The audit trail: complete, with the full reason, and never in the way of a denial. */
@Timeout(120)
class AuditSinkTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private static final int NEVER_DIALLED = 9;
  private static final Intention DENY = FakeControlPlane.deny("web", "db");

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final List<AuditRecord> webTrail = new CopyOnWriteArrayList<>();
  private final List<AuditRecord> dbTrail = new CopyOnWriteArrayList<>();
  private final List<MeshEvent> webEvents = new CopyOnWriteArrayList<>();
  private MeshClient web;
  private MeshClient db;

  private void start(AuditSink sinkOfWeb) {
    web =
        MeshClient.builder("web")
            .controlPlane(webPlane)
            .auditSink(sinkOfWeb)
            .listener(webEvents::add)
            .build();
    db = MeshClient.builder("db").controlPlane(dbPlane).auditSink(dbTrail::add).build();
  }

  @AfterEach
  void stop() {
    web.close();
    db.close();
  }

  private SSLSocket[] connect(ListenOptions options) throws IOException {
    MeshServerSocket server = db.listen(ANY_PORT, options);
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    return new SSLSocket[] {web.dial("db"), server.accept()};
  }

  private void denyAtDb() {
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW, DENY));
  }

  /** With an endpoint, so that nothing but the policy can end a dial. */
  private void denyAtWeb() {
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", NEVER_DIALLED));
    webPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW, DENY));
  }

  private void deniedDial() {
    assertThatThrownBy(() -> web.dial("db")).isInstanceOf(MeshAuthorizationException.class);
  }

  private static AuditRecord only(List<AuditRecord> trail) {
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> !trail.isEmpty());
    assertThat(trail).hasSize(1);
    return trail.get(0);
  }

  private void assertDeniedByTheRule(AuditRecord record) {
    assertThat(record.cause()).contains(Decision.Cause.INTENTION);
    assertThat(record.rule()).contains(DENY);
    assertThat(record.reason()).contains(DENY.toString());
    assertThat(record.policyVersion()).isEqualTo(2);
    assertThat(record.trustGeneration()).isEqualTo(1);
    assertThat(record.droppedBefore()).isZero();
  }

  @Test
  void aRefusedConnectionIsRecordedWithItsRule() throws Exception {
    start(webTrail::add);
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
    AuditRecord record = only(dbTrail);
    assertThat(record.kind()).isEqualTo(AuditRecord.Kind.CONNECTION_REFUSED);
    assertThat(record.direction()).isEqualTo(MeshEvent.Direction.INBOUND);
    assertThat(record.service()).isEqualTo("db");
    assertThat(record.self()).contains(db.identity().id());
    assertThat(record.peer()).contains(web.identity().id());
    assertThat(record.remote().orElseThrow()).startsWith("127.0.0.1:");
    assertThat(record.request()).isEmpty();
    assertDeniedByTheRule(record);
  }

  @Test
  void anImpostorIsRecordedWithoutAPolicysCause() throws Exception {
    start(webTrail::add);
    FakeControlPlane otherPlane = FakeControlPlane.allowingAll(authority, "other");
    try (MeshClient other = MeshClient.builder("other").controlPlane(otherPlane).build()) {
      MeshServerSocket server = other.listen(ANY_PORT, ListenOptions.defaults());
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      assertThatThrownBy(() -> web.dial("db")).isInstanceOf(PeerIdentityException.class);
      AuditRecord record = only(webTrail);
      assertThat(record.kind()).isEqualTo(AuditRecord.Kind.CONNECTION_REFUSED);
      assertThat(record.direction()).isEqualTo(MeshEvent.Direction.OUTBOUND);
      assertThat(record.destination()).contains(Destination.parse("db"));
      assertThat(record.peer()).contains(other.identity().id());
      assertThat(record.cause()).isEmpty();
      assertThat(record.rule()).isEmpty();
      assertThat(record.reason()).contains("/svc/other");
    }
  }

  @Test
  void aPeerThatProvesNothingHasNoIdInTheTrail() throws Exception {
    start(webTrail::add);
    MeshTestAuthority foreign =
        MeshTestAuthority.create(
            authority.trustDomain(),
            io.meshnative.testkit.KeyType.EC_P256,
            java.time.Clock.systemUTC());
    FakeControlPlane forged = new FakeControlPlane().roots(authority, foreign);
    forged.issue(foreign, "db");
    forged.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
    try (MeshClient forger = MeshClient.builder("db").controlPlane(forged).build()) {
      MeshServerSocket server = forger.listen(ANY_PORT, ListenOptions.defaults());
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      assertThatThrownBy(() -> web.dial("db")).isInstanceOf(IOException.class);
      assertThat(only(webTrail).peer()).isEmpty();
      Awaitility.await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> !web.snapshot().lastDenials().isEmpty());
      assertThat(web.snapshot().lastDenials().get(0).peer()).isEmpty();
    }
  }

  @Test
  void aDialThatIsDeniedHereIsRecordedAndIsAnEvent() {
    start(webTrail::add);
    denyAtWeb();
    deniedDial();
    AuditRecord record = only(webTrail);
    assertThat(record.kind()).isEqualTo(AuditRecord.Kind.DIAL_REFUSED);
    assertThat(record.direction()).isEqualTo(MeshEvent.Direction.OUTBOUND);
    assertThat(record.destination()).contains(Destination.parse("db"));
    assertThat(record.peer()).isEmpty();
    assertDeniedByTheRule(record);
    MeshEvent.Denied event = web.snapshot().lastDenials().get(0);
    assertThat(event.direction()).isEqualTo(MeshEvent.Direction.OUTBOUND);
    assertThat(event.reason()).isEqualTo(record.reason());
  }

  @Test
  void requestsAreRecordedWithWhatWasJudgedAndNothingElse() throws Exception {
    start(webTrail::add);
    SSLSocket[] ends =
        connect(ListenOptions.defaults().withAuthorizer(PeerAuthorizer.anyAuthenticatedPeer()));
    HttpRequestView request =
        HttpRequestView.of(
            "GET", "/a?token=s3cret", List.of("db"), Map.of("authorization", List.of("s3cret")));
    AtomicInteger told = new AtomicInteger();
    db.admit(db.peer(ends[1].getSession()), request, withdrawn -> told.incrementAndGet());
    denyAtDb();
    AuditRecord cut = only(dbTrail);
    assertThat(cut.kind()).isEqualTo(AuditRecord.Kind.REQUEST_CUT);
    assertThat(cut.peer()).contains(web.identity().id());
    assertThat(cut.request()).contains(new AuditRecord.Request("GET", "db", "/a"));
    assertDeniedByTheRule(cut);
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> told.get() == 1);

    dbTrail.clear();
    assertThatThrownBy(() -> db.admit(db.peer(ends[1].getSession()), request, withdrawn -> {}))
        .isInstanceOf(MeshAuthorizationException.class)
        .satisfies(e -> assertThat(((MeshAuthorizationException) e).policyVersion()).hasValue(2L));
    AuditRecord refused = only(dbTrail);
    assertThat(refused.kind()).isEqualTo(AuditRecord.Kind.REQUEST_REFUSED);
    assertThat(refused.request()).contains(new AuditRecord.Request("GET", "db", "/a"));
    assertDeniedByTheRule(refused);
    assertThat(cut.toString() + refused).doesNotContain("s3cret");
  }

  @Test
  void aConnectionThatIsCutIsRecordedByBothWhoHoldThePolicy() throws Exception {
    start(webTrail::add);
    SSLSocket ended = connect(ListenOptions.defaults())[0];
    denyAtDb();
    AuditRecord inbound = only(dbTrail);
    assertThat(inbound.kind()).isEqualTo(AuditRecord.Kind.CONNECTION_CUT);
    assertThat(inbound.remote().orElseThrow()).startsWith("127.0.0.1:");
    assertDeniedByTheRule(inbound);

    ended.close(); // web has not touched it, and does not know
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
    connect(ListenOptions.defaults());
    denyAtWeb();
    AuditRecord outbound = only(webTrail);
    assertThat(outbound.kind()).isEqualTo(AuditRecord.Kind.CONNECTION_CUT);
    assertThat(outbound.destination()).contains(Destination.parse("db"));
    assertDeniedByTheRule(outbound);
  }

  @Test
  void aSinkThatFailsGetsTheNextRecordAllTheSame() {
    AtomicInteger calls = new AtomicInteger();
    start(record -> {
      if (calls.incrementAndGet() == 1) {
        throw new IOException("disk full");
      } else if (calls.get() == 2) {
        throw new NoClassDefFoundError("com/example/Json");
      }
      webTrail.add(record);
    });
    denyAtWeb();
    for (int i = 0; i < 3; i++) {
      deniedDial();
    }
    only(webTrail);
    assertThat(calls).hasValue(3);
  }

  @Test
  void aSinkThatHangsHoldsUpNobodyAndItsLossIsCounted() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    start(record -> {
      entered.countDown();
      go.await();
      webTrail.add(record);
    });
    denyAtWeb();
    deniedDial();
    assertThat(entered.await(60, TimeUnit.SECONDS)).isTrue();
    int more = AuditSink.CAPACITY + 10;
    for (int i = 0; i < more; i++) {
      deniedDial(); // each is denied at once, sink or no sink
    }
    assertThat(web.snapshot().auditDropped()).isEqualTo(10);
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() ->
            webEvents.stream()
                .anyMatch(event ->
                    event instanceof MeshEvent.Warning warning
                        && warning.source().equals("audit")
                        && warning.message().contains("new ones are dropped")));
    go.countDown();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> webTrail.size() == AuditSink.CAPACITY + 1);
    deniedDial();
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> webTrail.size() == AuditSink.CAPACITY + 2);
    assertThat(webTrail.get(webTrail.size() - 1).droppedBefore()).isEqualTo(10);
    assertThat(webTrail.stream().mapToLong(AuditRecord::droppedBefore).sum()).isEqualTo(10);
  }

  @Test
  void closingHandsOverWhatWaits() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    start(record -> {
      go.await();
      webTrail.add(record);
    });
    denyAtWeb();
    for (int i = 0; i < 50; i++) {
      deniedDial();
    }
    Thread closing = new Thread(web::close);
    closing.start();
    go.countDown();
    closing.join();
    assertThat(webTrail).hasSize(50);
    assertThat(web.snapshot().auditDropped()).isZero();
  }

  @Test
  void closingInterruptsASinkThatNeverReturns() throws Exception {
    AtomicBoolean interrupted = new AtomicBoolean();
    start(record -> {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        interrupted.set(true);
        throw e;
      }
    });
    denyAtWeb();
    deniedDial();
    deniedDial();
    web.close();
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(interrupted::get);
    assertThat(web.snapshot().auditDropped()).isEqualTo(1);
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("mesh-web-audit")));
  }

  @Test
  void aSinkMayCloseItsOwnClient() {
    AtomicBoolean closed = new AtomicBoolean();
    start(record -> {
      web.close();
      closed.set(true);
    });
    denyAtWeb();
    deniedDial();
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(closed::get);
    assertThat(Optional.of(web.state())).contains(io.meshnative.MeshState.CLOSED);
  }

  @Test
  void aSecondSinkIsRefused() {
    start(webTrail::add);
    MeshClient.Builder builder = MeshClient.builder("x").auditSink(record -> {});
    assertThatThrownBy(() -> builder.auditSink(record -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("auditSink");
  }
}
