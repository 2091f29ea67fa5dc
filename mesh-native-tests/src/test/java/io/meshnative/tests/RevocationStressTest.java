package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshServerSocket;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Intentions flip under traffic in both directions. Every payload is the number of the last flip
 * that its sender had seen published: odd while denied. So an odd number that reaches an
 * application was sent after a denial had been published and before the next permission: a byte
 * that must not flow.
 *
 * <p>One exception: in TLS 1.3 a client may write before the server has judged it. What it writes
 * first, on a connection that the server judges after the next permission only, may arrive then;
 * never while denied.
 */
@Tag("T24")
@Tag("T25")
class RevocationStressTest {

  private static final Logger LOG = Logger.getLogger("io.meshnative");
  private static Level level;

  /** Each flip is told at INFO; here that would be the test. */
  @BeforeAll
  static void quiet() {
    level = LOG.getLevel();
    LOG.setLevel(Level.SEVERE);
  }

  @AfterAll
  static void loud() {
    LOG.setLevel(level);
  }

  /** The intentions of one client; rules of two directions are changed by two threads. */
  private static final class Policy {
    private final FakeControlPlane plane;
    private final List<Intention> inbound = new ArrayList<>();
    private final List<Intention> outbound = new ArrayList<>();

    Policy(FakeControlPlane plane) {
      this.plane = plane;
    }

    synchronized void inbound(Intention rule, boolean held) {
      set(inbound, rule, held);
    }

    synchronized void outbound(Intention rule, boolean held) {
      set(outbound, rule, held);
    }

    private void set(List<Intention> rules, Intention rule, boolean held) {
      boolean changed = held ? rules.add(rule) : rules.remove(rule);
      assertThat(changed).isTrue();
      plane.intentions(new IntentionUpdate(inbound, outbound, DefaultDecision.ALLOW));
    }
  }

  private record Side(String service, FakeControlPlane plane, Policy policy, MeshClient mesh) {}

  /** One side calls the other, over a connection that it keeps and over fresh ones. */
  private static final class Direction implements AutoCloseable {
    private final Side caller;
    private final Side callee;
    private final Intention rule;
    private final MeshServerSocket server;
    private final AtomicLong flip = new AtomicLong();
    private final AtomicLong persistentEchoes = new AtomicLong();
    private final AtomicLong freshEchoes = new AtomicLong();
    private final AtomicLong refusedDials = new AtomicLong();
    private final AtomicLong refusedWrites = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private final AtomicLong keptCuts = new AtomicLong();
    private final Distribution closings = new Distribution();
    private volatile long lastCutNanos;
    private final AtomicBoolean over = new AtomicBoolean();
    private final Queue<String> violations = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();

    Direction(Side caller, Side callee, MeshTestAuthority authority) throws IOException {
      this.caller = caller;
      this.callee = callee;
      this.rule = FakeControlPlane.deny(caller.service(), callee.service());
      this.server =
          callee.mesh().listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
      caller
          .plane()
          .endpoints(
              callee.service(),
              FakeControlPlane.endpoint(authority, callee.service(), server.getLocalPort()));
      start("accept", this::accept);
      start("persistent", () -> call(true));
      start("fresh", () -> call(false));
    }

    private void start(String role, Runnable task) {
      Thread thread = new Thread(task, "stress-" + caller.service() + "-" + role);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }

    private void accept() {
      while (!over.get()) {
        try {
          SSLSocket socket = server.accept();
          Thread thread = new Thread(() -> serve(socket), "stress-serve");
          thread.setDaemon(true);
          thread.start();
        } catch (IOException e) {
          if (!over.get()) {
            violations.add("the listener failed: " + e);
          }
          return;
        }
      }
    }

    private void serve(Socket accepted) {
      try (Socket socket = accepted) {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        while (true) {
          boolean judged = in.readBoolean();
          check(in.readLong(), judged, "the callee");
          received.incrementAndGet();
          out.writeLong(flip.get());
          out.flush();
        }
      } catch (IOException e) {
        // Cut, or closed by the caller.
      }
    }

    /** A connection that has carried an answer was judged before the payload was sent. */
    private void check(long sent, boolean judged, String where) {
      if (sent % 2 == 1 && (judged || flip.get() == sent)) {
        violations.add(
            where
                + " read what was sent after denial "
                + sent
                + " was published, now at "
                + flip.get());
      }
    }

    private void call(boolean persistent) {
      while (!over.get()) {
        try (SSLSocket socket = caller.mesh().dial(callee.service())) {
          socket.setSoTimeout(30_000);
          DataInputStream in = new DataInputStream(socket.getInputStream());
          DataOutputStream out = new DataOutputStream(socket.getOutputStream());
          try {
            boolean judged = false;
            do {
              ByteBuffer payload =
                  ByteBuffer.allocate(9).put((byte) (judged ? 1 : 0)).putLong(flip.get());
              out.write(payload.array());
              out.flush();
              check(in.readLong(), true, "the caller");
              judged = true;
              (persistent ? persistentEchoes : freshEchoes).incrementAndGet();
            } while (persistent && !over.get());
          } catch (java.net.SocketTimeoutException e) {
            violations.add("neither an answer nor a cut within the socket's timeout");
          } catch (IOException e) {
            refusedWrites.incrementAndGet();
            if (persistent) {
              lastCutNanos = System.nanoTime();
              keptCuts.incrementAndGet();
            }
          }
        } catch (IOException e) {
          refusedDials.incrementAndGet();
          LockSupport.parkNanos(100_000);
        }
      }
    }

    /** Publishes one denial and one permission; each waits for traffic to have met it. */
    void deniedAndAllowed(int round) {
      awaitMore("an echo on either kind of connection", persistentEchoes::get, freshEchoes::get);
      boolean byCallee = round % 3 != 1;
      boolean byCaller = round % 3 != 0;
      long cuts = keptCuts.get();
      long pushed = System.nanoTime();
      if (byCallee) {
        callee.policy().inbound(rule, true);
      }
      if (byCaller) {
        caller.policy().outbound(rule, true);
      }
      flip.incrementAndGet(); // odd: from here on nothing may come through
      awaitMore("a refusal", this::refusals);
      if (byCallee) {
        awaitNone(callee, MeshEvent.Direction.INBOUND, caller.service());
      }
      if (byCaller) {
        awaitNone(caller, MeshEvent.Direction.OUTBOUND, callee.service());
      }
      awaitTrue("the connection that was kept is over", () -> keptCuts.get() > cuts);
      closings.add(lastCutNanos - pushed);
      flip.incrementAndGet(); // even, before the first connection can be let in
      if (byCaller) {
        caller.policy().outbound(rule, false);
      }
      if (byCallee) {
        callee.policy().inbound(rule, false);
      }
    }

    private static void awaitMore(String what, LongSupplier... counters) {
      long[] before = Arrays.stream(counters).mapToLong(LongSupplier::getAsLong).toArray();
      awaitTrue(
          what,
          () -> {
            for (int i = 0; i < before.length; i++) {
              if (counters[i].getAsLong() <= before[i]) {
                return false;
              }
            }
            return true;
          });
    }

    /** Where TLS 1.3 refuses late, a refused dial is one whose first read or write failed. */
    private long refusals() {
      return refusedDials.get() + refusedWrites.get();
    }

    private static void awaitNone(Side side, MeshEvent.Direction direction, String peer) {
      awaitTrue(
          "no survivor at " + side.service(),
          () ->
              side.mesh().snapshot().connections().stream()
                  .noneMatch(c ->
                      c.direction() == direction && c.peer().toString().endsWith("/svc/" + peer)));
    }

    private static void awaitTrue(String what, BooleanSupplier condition) {
      long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (!condition.getAsBoolean()) {
        assertThat(System.nanoTime()).as(what).isLessThan(end);
        LockSupport.parkNanos(50_000);
      }
    }

    @Override
    public void close() throws IOException {
      over.set(true);
      server.close();
    }
  }

  @ParameterizedTest
  @CsvSource({"Conscrypt, 500", "JSSE, 60"})
  @Timeout(180)
  void noByteSentAfterADenialWasPublishedArrivesAndNoConnectionSurvivesIt(
      String provider, int rounds) throws Exception {
    MeshTestAuthority authority = MeshTestAuthority.create();
    Side web = side(authority, "web", provider);
    Side db = side(authority, "db", provider);
    try (MeshClient closesWeb = web.mesh();
        MeshClient closesDb = db.mesh();
        Direction there = new Direction(web, db, authority);
        Direction back = new Direction(db, web, authority)) {
      Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
      Thread other =
          new Thread(
              () -> {
                try {
                  for (int round = 0; round < rounds; round++) {
                    back.deniedAndAllowed(round);
                  }
                } catch (Throwable e) {
                  failures.add(e);
                }
              },
              "stress-flips");
      other.start();
      for (int round = 0; round < rounds; round++) {
        there.deniedAndAllowed(round);
      }
      other.join();
      assertThat(failures).isEmpty();
      for (Direction direction : List.of(there, back)) {
        assertThat(direction.violations).isEmpty();
        assertThat(direction.flip.get()).isEqualTo(2L * rounds);
        assertThat(direction.persistentEchoes.get()).isGreaterThanOrEqualTo(rounds);
        assertThat(direction.freshEchoes.get()).isGreaterThanOrEqualTo(rounds);
        assertThat(direction.closings.size()).isEqualTo(rounds);
        System.out.println(
            provider
                + ", "
                + direction.caller.service()
                + " to "
                + direction.callee.service()
                + ": from the push of a denial until the application's call on the open connection fails, "
                + direction.closings);
      }

      // The final state is right: denied again, both ways and for good.
      for (Side side : List.of(web, db)) {
        side.plane()
            .intentions(
                FakeControlPlane.update(
                    DefaultDecision.ALLOW,
                    FakeControlPlane.deny("web", "db"),
                    FakeControlPlane.deny("db", "web")));
      }
      there.flip.incrementAndGet();
      back.flip.incrementAndGet();
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() ->
              web.mesh().snapshot().connections().isEmpty()
                  && db.mesh().snapshot().connections().isEmpty());
      long received = there.received.get() + back.received.get();
      long refused = there.refusals();
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> there.refusals() > refused + 10);
      assertThat(there.received.get() + back.received.get()).isEqualTo(received);
      assertThat(there.violations).isEmpty();
      assertThat(back.violations).isEmpty();
    }
  }

  private static Side side(MeshTestAuthority authority, String service, String provider)
      throws Exception {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, service);
    MeshClient mesh = Engines.builder(service, provider).controlPlane(plane).build();
    return new Side(service, plane, new Policy(plane), mesh);
  }
}
