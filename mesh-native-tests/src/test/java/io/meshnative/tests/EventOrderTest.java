package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The life of a client as its listener hears it: the order that {@code MeshListener} draws. */
@Timeout(120)
class EventOrderTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();

  /** Stands still until it is moved. */
  private static final class StandingClock extends Clock {
    private final AtomicReference<Instant> now =
        new AtomicReference<>(Instant.now().truncatedTo(java.time.temporal.ChronoUnit.SECONDS));

    @Override
    public Instant instant() {
      return now.get();
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  private static String shown(MeshEvent event) {
    return event instanceof MeshEvent.StateChanged changed
        ? changed.from() + " -> " + changed.to()
        : event.getClass().getSimpleName();
  }

  @Test
  void aListenerHearsALifeInTheOrderThatIsDrawn() throws Exception {
    FakeControlPlane plane = new FakeControlPlane();
    List<String> heard = new CopyOnWriteArrayList<>();
    FakeControlPlane callers = FakeControlPlane.allowingAll(authority, "web");
    MeshClient db =
        MeshClient.builder("db")
            .controlPlane(plane)
            .listener(event -> heard.add(shown(event)))
            .build();
    MeshClient web = MeshClient.builder("web").controlPlane(callers).build();
    try (db;
        web) {
      plane.roots(authority);
      plane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
      plane.issue(authority, "db");
      MeshServerSocket server =
          db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
      callers.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      SSLSocket caller = web.dial("db");
      try (caller) {
        server.accept();
        plane.intentionFeed().fail("away");
        plane.intentionFeed().again();
        plane.intentions(
            FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
      }
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(60))
        .until(() -> heard.contains("READY -> CLOSED"));
    assertThat(heard)
        .containsExactly(
            "PolicyChanged",
            "TrustChanged",
            "STARTING -> READY",
            "ControlPlaneFailed",
            "READY -> STALE",
            "ControlPlaneRecovered",
            "STALE -> READY",
            "Withdrawn",
            "PolicyChanged",
            "READY -> CLOSED");
    assertThat(db.state()).isEqualTo(MeshState.CLOSED);
  }

  @Test
  void aFloodOfDenialsIsLoggedTenTimesASecondAndTheRestIsCounted() {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "flooded");
    StandingClock clock = new StandingClock();
    List<String> lines = new CopyOnWriteArrayList<>();
    Logger logger = Logger.getLogger("io.meshnative");
    Level level = logger.getLevel();
    boolean parents = logger.getUseParentHandlers();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            String text = new SimpleFormatter().formatMessage(line);
            if (text.startsWith("[flooded] denied")) {
              assertThat(line.getLevel()).isEqualTo(Level.WARNING);
              lines.add(text);
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.setUseParentHandlers(false);
    logger.setLevel(Level.ALL);
    logger.addHandler(handler);
    try (MeshClient client =
        MeshClient.builder("flooded").controlPlane(plane).clock(clock).build()) {
      plane.endpoints("db", FakeControlPlane.endpoint(authority, "db", 9));
      plane.intentions(
          FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("flooded", "db")));
      for (int i = 0; i < 1000; i++) {
        assertThatThrownBy(() -> client.dial("db")).isInstanceOf(MeshAuthorizationException.class);
      }
      assertThat(lines).hasSize(10);
      assertThat(lines.get(0))
          .contains("denied OUTBOUND")
          .contains("default/flooded => default/db");
      clock.now.updateAndGet(now -> now.plusSeconds(1));
      assertThatThrownBy(() -> client.dial("db")).isInstanceOf(MeshAuthorizationException.class);
      assertThat(lines).hasSize(11);
      assertThat(lines.get(10)).endsWith("(and 990 more before this)");
      assertThat(client.snapshot().lastDenials()).hasSize(100);
    } finally {
      logger.removeHandler(handler);
      logger.setLevel(level);
      logger.setUseParentHandlers(parents);
    }
  }
}
