package io.meshnative.internal.consul;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The intentions of the own service in both directions, and the default decision. Nothing is pushed
 * before the inbound list and the default are known; a changed list is pushed before the default is
 * asked for again, so that a revocation never waits.
 *
 * <p>Trouble with the outbound list is logged only: it refines what the peer decides anyway, and
 * must not make good inbound policy look stale.
 */
final class Intentions implements IntentionSource {
  private static final Logger LOG = System.getLogger(Intentions.class.getName());

  /**
   * With the hold of a blocking call and its jitter, the default is asked for again within 60 s.
   */
  private static final Duration PROBE_EVERY = Duration.ofSeconds(45);

  private final Wiring wiring;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<WatchThread> threads = new ArrayList<>();
  private @Nullable Sink<IntentionUpdate> sink;
  private boolean closed;

  // Guarded by the lock.
  private @Nullable List<Intention> inbound;
  private List<Intention> outbound = List.of();

  /** Until the list is there, and where it may not be read, the peer decides. */
  private boolean outboundKnown;

  private @Nullable DefaultDecision defaultDecision;

  Intentions(Wiring wiring) {
    this.wiring = wiring;
  }

  @Override
  public void start(Sink<IntentionUpdate> sink) {
    lock.lock();
    try {
      if (this.sink != null) {
        throw new IllegalStateException("expected start once, found it called twice");
      }
      this.sink = sink;
      if (closed) {
        return;
      }
      Calls inboundCalls = new Calls();
      Watch<List<Intention>> inboundWatch =
          new Watch<>(
              new MatchQuery(wiring, inboundCalls, true),
              new Inbound(new DefaultProbe(wiring, inboundCalls)),
              inboundCalls,
              wiring.prompt());
      threads.add(wiring.start("intentions", inboundCalls, inboundWatch::step));
      Calls outboundCalls = new Calls();
      Watch<List<Intention>> outboundWatch =
          new Watch<>(
              new MatchQuery(wiring, outboundCalls, false),
              new Outbound(),
              outboundCalls,
              wiring.prompt());
      threads.add(wiring.start("intentions-outbound", outboundCalls, outboundWatch::step));
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock, so that pushes come one at a time and in order. */
  private void push() throws InvalidUpdateException {
    List<Intention> in = inbound;
    DefaultDecision decision = defaultDecision;
    Sink<IntentionUpdate> to = sink;
    if (in != null && decision != null && to != null && !closed) {
      to.accept(new IntentionUpdate(in, outbound, outboundKnown, decision));
    }
  }

  private void failed(IOException cause) {
    lock.lock();
    try {
      if (sink != null && !closed) {
        sink.failed(cause);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    List<WatchThread> running;
    lock.lock();
    try {
      closed = true;
      running = List.copyOf(threads);
    } finally {
      lock.unlock();
    }
    running.forEach(WatchThread::close);
  }

  private final class Inbound implements Target<List<Intention>> {
    private final DefaultProbe probe;
    private boolean asked;
    private long askedAt;

    Inbound(DefaultProbe probe) {
      this.probe = probe;
    }

    @Override
    public void accept(List<Intention> value, boolean reconnected)
        throws InvalidUpdateException, IOException {
      DefaultDecision known;
      lock.lock();
      try {
        inbound = value;
        known = defaultDecision;
        push();
      } finally {
        lock.unlock();
      }
      long now = wiring.clock().nanoTime();
      boolean due = !asked || reconnected || now - askedAt >= PROBE_EVERY.toNanos();
      if (!due) {
        return;
      }
      DefaultDecision told;
      try {
        told = probe.ask(value);
      } catch (IOException e) {
        if (known == null) {
          throw e;
        }
        asked = false; // again with the next answer; the list itself is good
        failed(e);
        return;
      }
      asked = true;
      askedAt = now;
      lock.lock();
      try {
        // What cannot be told any more, such as behind a new rule for everyone, was told before:
        // that goes on.
        boolean news = told != DefaultDecision.UNKNOWN || defaultDecision == null;
        if (news && told != defaultDecision) {
          LOG.log(Level.INFO, "Where no intention matches, the mesh now says {0}.", told);
          defaultDecision = told;
          push();
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void failed(IOException cause) {
      Intentions.this.failed(cause);
    }
  }

  private final class Outbound implements Target<List<Intention>> {
    @Override
    public void accept(List<Intention> value, boolean reconnected) throws InvalidUpdateException {
      take(value, true);
    }

    @Override
    public void acceptInstead(List<Intention> value, boolean reconnected)
        throws InvalidUpdateException {
      take(value, false);
    }

    private void take(List<Intention> value, boolean known) throws InvalidUpdateException {
      lock.lock();
      try {
        if (!value.equals(outbound) || known != outboundKnown) {
          outbound = value;
          outboundKnown = known;
          push();
        }
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void failed(IOException cause) {
      LOG.log(Level.DEBUG, "The intentions of upstreams are not read: {0}", cause.getMessage());
    }
  }
}
