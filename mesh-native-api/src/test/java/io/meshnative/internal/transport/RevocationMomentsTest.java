package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A right is withdrawn at every moment of a connection's life: on each TLS engine, through each way
 * in or out, for each reason. Whatever the moment, nothing that was sent afterwards reaches an
 * application, nothing stays in the registry, and when the right is back the next connection works.
 */
@Timeout(120)
class RevocationMomentsTest {
  private static final int GUARD_SECONDS = 60;
  private static final byte BEFORE = 'a';
  private static final byte AFTER = 'z';
  private static final byte ASKED = 'q';

  /** Which end judges, and on what. */
  enum Door {
    LISTEN,
    ENGINE,
    DIAL
  }

  enum Right {
    INTENTION,
    ROOT,
    CLOCK
  }

  /** What a connection that was let in is doing. */
  enum State {
    IDLE,
    STREAMING,
    BLOCKED_IN_WRITE,
    HALF_CLOSED_BY_PEER,
    HALF_CLOSED_HERE,
    CLOSING_WHEN_WITHDRAWN,
    WITHDRAWN_WHEN_CLOSING
  }

  /** One end of a connection, as its application sees it. */
  private interface End {
    int read(byte[] bytes) throws IOException;

    void write(byte[] bytes) throws IOException;

    void shutdownOutput() throws IOException;

    void close() throws IOException;

    boolean isClosed();
  }

  private record OfSocket(SSLSocket socket) implements End {
    @Override
    public int read(byte[] bytes) throws IOException {
      return socket.getInputStream().read(bytes);
    }

    @Override
    public void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
    }

    @Override
    public void shutdownOutput() throws IOException {
      socket.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }

    @Override
    public boolean isClosed() {
      return socket.isClosed();
    }
  }

  private record OfEngine(BareEngine bare) implements End {
    @Override
    public int read(byte[] bytes) throws IOException {
      return bare.read(bytes);
    }

    @Override
    public void write(byte[] bytes) throws IOException {
      bare.write(bytes);
    }

    @Override
    public void shutdownOutput() throws IOException {
      bare.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
      bare.close();
    }

    @Override
    public boolean isClosed() {
      return bare.isClosed();
    }
  }

  private record Link(End judged, End other) {}

  private final SmallAuthority authority = new SmallAuthority();
  private final SmallAuthority stranger = new SmallAuthority();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "moments");
        thread.setDaemon(true);
        return thread;
      });

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  /** The two services, and the way between them. */
  private final class World implements AutoCloseable {
    private final Door door;
    private final Service judge;
    private final Service other;
    private final ServerSocket server;
    private final AtomicInteger told = new AtomicInteger();

    World(Vendor vendor, Door door) throws Exception {
      this.door = door;
      boolean calls = door == Door.DIAL;
      // Whose certificates end first is the other one's, so that the clock ends the peer's right.
      this.judge = new Service(calls ? "web" : "db", authority, vendor, Duration.ofHours(10));
      this.other = new Service(calls ? "db" : "web", authority, vendor, Duration.ofHours(1));
      this.server =
          switch (door) {
            case LISTEN -> judge.listen();
            case ENGINE -> new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            case DIAL -> other.listen();
          };
    }

    private int port() {
      return server.getLocalPort();
    }

    /** The end that calls, when its handshake is done; blocks until then. */
    private End client() throws IOException {
      return door == Door.DIAL
          ? tracked(judge.dial("db", port()))
          : new OfSocket(other.dial("db", port()));
    }

    /** The end that is called, when its application is handed it; blocks until then. */
    private End server() throws IOException {
      return switch (door) {
        case LISTEN -> tracked((SSLSocket) server.accept());
        case ENGINE -> bare();
        case DIAL -> new OfSocket((SSLSocket) server.accept());
      };
    }

    private End tracked(SSLSocket socket) {
      judge.live.track(socket.getSession(), withdrawal -> told.incrementAndGet());
      return new OfSocket(socket);
    }

    /** As an adapter does it that serves bare engines: it closes what the library cannot. */
    private End bare() throws IOException {
      Socket raw = server.accept();
      BareEngine bare = new BareEngine(raw, judge.serverEngine());
      try {
        SSLSession session = bare.handshake();
        judge.live.track(
            session,
            withdrawal -> {
              told.incrementAndGet();
              RawSockets.closeQuietly(raw);
            });
        return new OfEngine(bare);
      } catch (IOException | RuntimeException e) {
        bare.close();
        throw e;
      }
    }

    Link connect() throws Exception {
      Future<End> called = threads.submit(this::server);
      End caller = client();
      End callee = called.get(GUARD_SECONDS, TimeUnit.SECONDS);
      return door == Door.DIAL ? new Link(caller, callee) : new Link(callee, caller);
    }

    /** Serves until it is asked; what came before that, on whichever connection, is kept. */
    Future<End> serving(Queue<Byte> heard, Queue<Throwable> refusals) {
      return threads.submit(() -> {
        while (true) {
          try {
            End end = server();
            byte[] first = new byte[1];
            if (end.read(first) == 1) {
              heard.add(first[0]);
              if (first[0] == ASKED) {
                return end;
              }
            }
          } catch (IOException e) {
            if (server.isClosed()) {
              throw e;
            }
            refusals.add(e);
          }
        }
      });
    }

    void withdraw(Right right) throws Exception {
      switch (right) {
        case INTENTION -> judge.rules(Service.deny("web", "db"));
        case ROOT -> judge.roots(stranger);
        case CLOCK -> judge.advance(Duration.ofHours(2));
      }
    }

    void giveBack(Right right) throws Exception {
      switch (right) {
        case INTENTION -> judge.rules();
        case ROOT -> judge.roots(authority);
        case CLOCK -> judge.advance(Duration.ofHours(-2));
      }
    }

    /** The registry is empty; when the right is back the next connection works, and it alone. */
    void assertOverAndUsableAgain(Right right, Future<End> serving) throws Exception {
      await(judge.live::isEmpty);
      giveBack(right);
      assertThat(judge.live.isEmpty()).isTrue();
      End caller = client();
      caller.write(new byte[] {ASKED});
      End callee = serving.get(GUARD_SECONDS, TimeUnit.SECONDS);
      callee.write(new byte[] {ASKED});
      assertThat(caller.read(new byte[1])).isEqualTo(1);
      assertThat(judge.live.snapshot()).hasSize(1);
      caller.close();
      callee.close();
      await(judge.live::isEmpty);
    }

    @Override
    public void close() throws IOException {
      server.close();
      judge.close();
      other.close();
    }
  }

  private static void await(BooleanSupplier condition) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(2))
        .atMost(Duration.ofSeconds(GUARD_SECONDS))
        .until(condition::getAsBoolean);
  }

  private Future<Throwable> failing(Callable<?> action) {
    return threads.submit(() -> {
      try {
        action.call();
        return null;
      } catch (IOException e) {
        return e;
      }
    });
  }

  // ---- in the handshake ----

  static Stream<Arguments> handshakes() {
    List<Moment> moments =
        List.of(
            Moment.PROVEN,
            Moment.PREVIEWED,
            Moment.SHAKEN,
            Moment.DECIDED,
            Moment.REGISTERED,
            Moment.ADMITTED);
    return Arrays.stream(Vendor.values())
        .flatMap(vendor ->
            Arrays.stream(Door.values())
                .flatMap(door ->
                    Arrays.stream(Right.values())
                        .flatMap(right ->
                            moments.stream()
                                .map(moment -> Arguments.of(vendor, door, right, moment)))));
  }

  @ParameterizedTest(name = "{0} {1}, {2} at {3}")
  @MethodSource("handshakes")
  void nobodyIsHandedAConnectionWhoseRightWasWithdrawnInItsHandshake(
      Vendor vendor, Door door, Right right, Moment moment) throws Exception {
    try (World world = new World(vendor, door)) {
      world.judge.hold.first(moment);
      Queue<Byte> heard = new ConcurrentLinkedQueue<>();
      Queue<Throwable> refusals = new ConcurrentLinkedQueue<>();
      Future<End> serving = world.serving(heard, refusals);
      Future<Throwable> calling =
          failing(() -> {
            End end = world.client();
            end.write(new byte[] {BEFORE}); // in TLS 1.3 a client may be done before its server
            return end.read(new byte[1]);
          });
      world.judge.hold.awaitReached();
      world.withdraw(right);
      world.judge.hold.letGo();

      assertThat(calling.get(GUARD_SECONDS, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
      if (door == Door.DIAL) {
        assertThat(calling.get()).isInstanceOf(MeshException.class);
      }
      if (door == Door.ENGINE) {
        await(() -> !refusals.isEmpty());
        assertThat(refusals.peek())
            .isInstanceOf(IOException.class)
            .satisfies(
                refusal -> assertThat(causes(refusal)).anyMatch(MeshException.class::isInstance));
      }
      await(() ->
          world.judge.events.stream()
              .anyMatch(e -> e instanceof MeshEvent.Denied || e instanceof MeshEvent.Withdrawn));
      assertThat(world.told).as("who is told of it has been handed it").hasValue(0);
      world.assertOverAndUsableAgain(right, serving);
      assertThat(heard).containsExactly(ASKED);
    }
  }

  private static List<Throwable> causes(Throwable refusal) {
    return Stream.iterate(refusal, Objects::nonNull, Throwable::getCause).toList();
  }

  // ---- flapping ----

  @ParameterizedTest
  @EnumSource(Vendor.class)
  void aSweepThatIsHeldUpCutsNobodyWhomANewerPolicyHasLetIn(Vendor vendor) throws Exception {
    try (World world = new World(vendor, Door.LISTEN)) {
      Link first = world.connect();
      world.judge.hold.first(Moment.WITHDRAWN);
      Future<?> denying = threads.submit(() -> world.judge.rules(Service.deny("web", "db")));
      world.judge.hold.awaitReached(); // the sweep is at the first connection
      Future<?> allowing = threads.submit(() -> world.judge.rules());
      await(() -> world.judge.publisher.current().policy().number() == 4);
      List<Link> fresh = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        fresh.add(world.connect()); // the sweep meets some of them on its way
      }
      world.judge.hold.letGo();
      denying.get(GUARD_SECONDS, TimeUnit.SECONDS);
      allowing.get(GUARD_SECONDS, TimeUnit.SECONDS);
      assertFails(first.other());
      assertThat(world.judge.live.snapshot()).hasSize(fresh.size());
      for (Link link : fresh) {
        link.other().write(new byte[] {ASKED});
        assertThat(link.judged().read(new byte[1])).isEqualTo(1);
      }
    }
  }

  // ---- between the registration and the hand-over ----

  static Stream<Arguments> rights() {
    return Arrays.stream(Vendor.values())
        .flatMap(vendor -> Arrays.stream(Right.values()).map(right -> Arguments.of(vendor, right)));
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("rights")
  void aConnectionWhoseRightEndsWhileItWaitsForAcceptIsNotHandedOver(Vendor vendor, Right right)
      throws Exception {
    try (World world = new World(vendor, Door.LISTEN)) {
      End first = world.client();
      End second = world.client();
      first.write(new byte[] {BEFORE});
      await(() -> world.judge.live.snapshot().size() == 2);
      world.withdraw(right);
      assertThat(world.judge.live.isEmpty()).isTrue();
      for (End end : List.of(first, second)) {
        assertThatThrownBy(() -> end.read(new byte[1])).isInstanceOf(IOException.class);
      }
      Queue<Byte> heard = new ConcurrentLinkedQueue<>();
      Queue<Throwable> refusals = new ConcurrentLinkedQueue<>();
      Future<End> serving = world.serving(heard, refusals);
      world.assertOverAndUsableAgain(right, serving);
      assertThat(heard).containsExactly(ASKED);
      assertThat(refusals).isEmpty();
    }
  }

  // ---- once it was let in ----

  /** Reads until it fails, and keeps whether it read what was written after the withdrawal. */
  private final class Reader {
    private final AtomicInteger count = new AtomicInteger();
    private volatile boolean readAfter;
    private final Future<Throwable> ending;

    Reader(End end) {
      ending =
          failing(() -> {
            byte[] bytes = new byte[16 * 1024];
            for (int n = end.read(bytes); n >= 0; n = end.read(bytes)) {
              for (int i = 0; i < n; i++) {
                readAfter |= bytes[i] == AFTER;
              }
              count.addAndGet(n);
            }
            return "the end of the stream";
          });
    }
  }

  /** Writes until it fails; after the withdrawal, what nobody may read. */
  private final class Writer {
    private final AtomicInteger count = new AtomicInteger();
    private volatile byte mark = BEFORE;
    private final Future<Throwable> ending;

    Writer(End end) {
      ending =
          failing(() -> {
            byte[] bytes = new byte[4 * 1024];
            while (true) {
              Arrays.fill(bytes, mark);
              end.write(bytes);
              count.incrementAndGet();
            }
          });
    }
  }

  static Stream<Arguments> states() {
    return Arrays.stream(Vendor.values())
        .flatMap(vendor ->
            Arrays.stream(Door.values())
                .flatMap(door ->
                    Arrays.stream(Right.values())
                        .flatMap(right ->
                            Arrays.stream(State.values())
                                .map(state -> Arguments.of(vendor, door, right, state)))));
  }

  @ParameterizedTest(name = "{0} {1}, {2} while {3}")
  @MethodSource("states")
  void nothingSentAfterARightWasWithdrawnArrives(Vendor vendor, Door door, Right right, State state)
      throws Exception {
    try (World world = new World(vendor, door)) {
      Link link = world.connect();
      switch (state) {
        case IDLE -> whileIdle(world, link, right);
        case STREAMING -> whileStreaming(world, link, right);
        case BLOCKED_IN_WRITE -> whileBlockedInWrite(world, link, right);
        case HALF_CLOSED_BY_PEER ->
            whileHalfClosed(world, link.other(), link.judged(), link, right);
        case HALF_CLOSED_HERE -> whileHalfClosed(world, link.judged(), link.other(), link, right);
        case CLOSING_WHEN_WITHDRAWN -> whileClosing(world, link, right, Moment.ENDED);
        case WITHDRAWN_WHEN_CLOSING -> whileClosing(world, link, right, Moment.WITHDRAWN);
      }
      assertThat(world.told.get()).isLessThanOrEqualTo(1);
      Queue<Byte> heard = new ConcurrentLinkedQueue<>();
      Future<End> serving = world.serving(heard, new ConcurrentLinkedQueue<>());
      world.assertOverAndUsableAgain(right, serving);
      assertThat(heard).containsExactly(ASKED);
      assertThat(world.told.get()).isLessThanOrEqualTo(1);
    }
  }

  private void whileIdle(World world, Link link, Right right) throws Exception {
    world.withdraw(right);
    assertThat(world.judge.live.isEmpty()).isTrue();
    await(link.judged()::isClosed);
    await(() -> world.told.get() == 1);
    assertFails(link.other());
    assertFails(link.judged());
  }

  private static void assertFails(End end) {
    assertThatThrownBy(() -> end.read(new byte[1])).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> end.write(new byte[] {AFTER})).isInstanceOf(IOException.class);
  }

  private void whileStreaming(World world, Link link, Right right) throws Exception {
    List<Reader> readers = List.of(new Reader(link.judged()), new Reader(link.other()));
    List<Writer> writers = List.of(new Writer(link.judged()), new Writer(link.other()));
    await(() -> readers.stream().allMatch(reader -> reader.count.get() > 256 * 1024));
    world.withdraw(right);
    writers.forEach(writer -> writer.mark = AFTER);
    for (Writer writer : writers) {
      assertEnds(writer.ending);
    }
    for (Reader reader : readers) {
      assertEnds(reader.ending);
      assertThat(reader.readAfter).isFalse();
    }
    await(() -> world.told.get() == 1);
  }

  private static void assertEnds(Future<Throwable> ending) throws Exception {
    assertThat(ending.get(GUARD_SECONDS, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
  }

  private void whileBlockedInWrite(World world, Link link, Right right) throws Exception {
    Writer writer = new Writer(link.judged());
    ChannelDataTest.awaitStandstill(writer.count); // the other end does not read
    assertThat(writer.ending).isNotDone();
    world.withdraw(right); // returns although somebody writes
    writer.mark = AFTER;
    assertEnds(writer.ending);
    Reader late = new Reader(link.other());
    assertEnds(late.ending);
    assertThat(late.readAfter).isFalse();
    assertFails(link.judged());
  }

  /** BoringSSL has no half-close: there the connection may be over before its right is. */
  private void whileHalfClosed(World world, End silent, End speaking, Link link, Right right)
      throws Exception {
    silent.shutdownOutput();
    assertThat(speaking.read(new byte[1])).isEqualTo(-1);
    Reader reader = new Reader(silent);
    Writer writer = new Writer(speaking);
    await(() -> reader.count.get() > 64 * 1024 || writer.ending.isDone());
    world.withdraw(right);
    writer.mark = AFTER;
    assertEnds(writer.ending);
    Throwable ignored =
        reader.ending.get(GUARD_SECONDS, TimeUnit.SECONDS); // a proper end, or a cut
    assertThat(reader.readAfter).isFalse();
    link.judged().close();
  }

  private void whileClosing(World world, Link link, Right right, Moment moment) throws Exception {
    world.judge.hold.first(moment);
    boolean closing = moment == Moment.ENDED;
    Callable<Void> close =
        () -> {
          link.judged().close();
          return null;
        };
    Callable<Void> withdraw =
        () -> {
          world.withdraw(right);
          return null;
        };
    Future<?> held = threads.submit(closing ? close : withdraw);
    world.judge.hold.awaitReached();
    (closing ? withdraw : close).call();
    world.judge.hold.letGo();
    held.get(GUARD_SECONDS, TimeUnit.SECONDS);
    await(() -> world.told.get() == 1); // the right went first, or as well: told once
    Reader late = new Reader(link.other());
    Throwable ignored = late.ending.get(GUARD_SECONDS, TimeUnit.SECONDS);
    assertThat(late.count).hasValue(0);
  }
}
