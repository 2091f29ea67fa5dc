package io.meshnative.internal.consul;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.internal.consul.Route.ChainTarget;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A destination that is watched: its compiled discovery chain, and each target that the chain leads
 * to, those for failover too, so that they are known when they are needed.
 *
 * <p>Nobody is offered before the chain is known. It seldom changes, so it is read in turns; what
 * was known of it last stands while it cannot be read.
 */
final class Upstream implements EndpointSource.Watch, Target<Route> {
  private static final Logger LOG = System.getLogger("io.meshnative.endpoints");

  /** How soon a chain is read again: a new redirect is followed within seconds. */
  private static final Duration CHAIN_PAUSE = Duration.ofSeconds(5);

  private final Wiring wiring;
  private final Roots roots;
  private final Leaf leaf;
  private final Slots slots;
  private final Destination destination;
  private final Sink<EndpointSet> sink;
  private final Consumer<Upstream> onClose;
  private final ChainTurn chain;
  private final ReentrantLock pushing = new ReentrantLock();
  private volatile boolean routed;
  private volatile boolean ended;

  // Guarded by pushing, which is taken before the lock of the slots, never after it.
  private final RoutedEndpoints endpoints;
  private final Map<ChainTarget, TargetWatch> targets = new LinkedHashMap<>();
  private Route route;
  private @Nullable EndpointSet pushed;

  Upstream(
      Wiring wiring,
      Roots roots,
      Leaf leaf,
      Slots slots,
      Destination destination,
      Sink<EndpointSet> sink,
      Consumer<Upstream> onClose) {
    this.wiring = wiring;
    this.roots = roots;
    this.leaf = leaf;
    this.slots = slots;
    this.destination = destination;
    this.sink = sink;
    this.onClose = onClose;
    this.chain = new ChainTurn();
    this.endpoints = new RoutedEndpoints(destination);
    this.route = Route.to(destination);
  }

  /**
   * Begins with the destination itself, where almost every chain leads; the thread or turn that it
   * gets reads the chain first.
   */
  void begin() {
    pushing.lock();
    try {
      openTargets();
    } finally {
      pushing.unlock();
    }
  }

  /** Under pushing. */
  private void openTargets() {
    for (ChainTarget target : route.reachable()) {
      if (!targets.containsKey(target)) {
        TargetWatch watch = new TargetWatch(target);
        targets.put(target, watch);
        slots.open(watch);
      }
    }
  }

  /** The chain as it is now. */
  @Override
  public void accept(Route newer, boolean reconnected) throws InvalidUpdateException {
    boolean first = !routed;
    List<TargetWatch> obsolete;
    pushing.lock();
    try {
      if (ended || (!first && newer.equals(route))) {
        return;
      }
      if (!newer.branches().equals(route.branches())) {
        LOG.log(
            Level.INFO, "The discovery chain of {0} leads to {1}.", destination, newer.toString());
      }
      route = newer;
      endpoints.follow(newer);
      obsolete = takeObsolete();
    } finally {
      pushing.unlock();
    }
    // Not under the lock: a thread that is waited for may be waiting for it.
    obsolete.forEach(TargetWatch::close);
    pushing.lock();
    try {
      if (ended) {
        return;
      }
      openTargets();
      routed = true;
      push();
    } finally {
      pushing.unlock();
    }
    if (first) {
      slots.open(chain, CHAIN_PAUSE);
    }
  }

  /** Under pushing. */
  private List<TargetWatch> takeObsolete() {
    Set<ChainTarget> wanted = route.reachable();
    List<TargetWatch> obsolete = new ArrayList<>();
    for (TargetWatch watch : List.copyOf(targets.values())) {
      if (!wanted.contains(watch.target)) {
        targets.remove(watch.target);
        obsolete.add(watch);
      }
    }
    return obsolete;
  }

  /** A chain that cannot be read hides the endpoints only as long as none was. */
  @Override
  public void failed(IOException cause) {
    pushing.lock();
    try {
      if (!ended && !routed) {
        sink.failed(cause);
      }
    } finally {
      pushing.unlock();
    }
  }

  private void learnt(TargetWatch from, EndpointSet value) throws InvalidUpdateException {
    pushing.lock();
    try {
      if (!ended && from.equals(targets.get(from.target))) {
        endpoints.learn(from.target, value);
        push();
      }
    } finally {
      pushing.unlock();
    }
  }

  private void lost(TargetWatch from, IOException cause) {
    pushing.lock();
    try {
      if (ended || !from.equals(targets.get(from.target))) {
        return;
      }
      boolean served = endpoints.serving().contains(from.target);
      endpoints.lose(from.target);
      EndpointSet without = endpoints.endpoints().orElse(null);
      if (without != null && !without.equals(pushed)) {
        push(); // another target steps in
      }
      if (served || endpoints.serving().isEmpty()) {
        sink.failed(cause);
      }
    } catch (InvalidUpdateException e) {
      sink.failed(AgentFailure.unusable(destination.toString(), String.valueOf(e.getMessage()), e));
    } finally {
      pushing.unlock();
    }
  }

  /** Under pushing. */
  private void push() throws InvalidUpdateException {
    Set<ChainTarget> before = endpoints.serving();
    EndpointSet set = endpoints.endpoints().orElse(null);
    if (set == null) {
      return;
    }
    Set<ChainTarget> now = endpoints.serving();
    if (!before.isEmpty() && !now.isEmpty() && !now.equals(before)) {
      LOG.log(Level.INFO, "{0} is served by {1} now, no longer by {2}.", destination, now, before);
    }
    pushed = set;
    sink.accept(set);
  }

  void cancel() {
    chain.calls.cancel();
    watches().forEach(TargetWatch::cancel);
  }

  private List<TargetWatch> watches() {
    pushing.lock();
    try {
      return List.copyOf(targets.values());
    } finally {
      pushing.unlock();
    }
  }

  @Override
  public void close() {
    if (ended) {
      return;
    }
    ended = true;
    slots.end(chain);
    cancel();
    watches().forEach(TargetWatch::close);
    onClose.accept(this);
  }

  /** Reads the chain: until it is known, for whoever needs it first; then in turn. */
  private final class ChainTurn extends Slots.Turn {
    private final Calls calls = new Calls();
    private final ReentrantLock reading = new ReentrantLock();
    private final Watch<Route> watch;

    ChainTurn() {
      watch =
          new Watch<>(
              new ChainQuery(wiring, calls, destination), Upstream.this, calls, wiring.steady());
    }

    @Override
    Duration poll() throws InterruptedException {
      Duration pause = tryRead();
      return pause.compareTo(CHAIN_PAUSE) < 0 ? CHAIN_PAUSE : pause;
    }

    /**
     * Reads it the first time. Returns how long to wait before that is tried again; zero if done.
     */
    Duration readFirst() throws InterruptedException {
      Duration pause = tryRead();
      return routed || ended ? Duration.ZERO : pause;
    }

    /** Whose turn it is may change in mid-call: two never read at a time. */
    private Duration tryRead() throws InterruptedException {
      if (ended || !reading.tryLock()) {
        return Slots.NOTHING_DUE;
      }
      try {
        return watch.poll();
      } finally {
        reading.unlock();
      }
    }
  }

  /** Watches the instances of a target. */
  private final class TargetWatch extends Slots.Watcher implements Target<EndpointSet> {
    private final ChainTarget target;
    private volatile @Nullable Calls calls;
    private volatile @Nullable WatchThread thread;
    private volatile @Nullable Watch<EndpointSet> turns;
    private volatile boolean over;

    TargetWatch(ChainTarget target) {
      this.target = target;
    }

    private Watch<EndpointSet> watch(Calls own, boolean cached) {
      return new Watch<>(
          new HealthQuery(wiring, own, roots, leaf, target, cached), this, own, wiring.steady());
    }

    @Override
    void block() {
      cancel(); // of the turns that it may have taken
      Calls own = new Calls();
      calls = own;
      Watch<EndpointSet> watch = watch(own, false);
      thread =
          wiring.start(
              "endpoints-" + target.destination().service(),
              own,
              () -> routed ? watch.step() : chain.readFirst());
    }

    @Override
    void rotate() {
      Calls own = new Calls();
      calls = own;
      turns = watch(own, true);
    }

    @Override
    Duration poll() throws InterruptedException {
      Watch<EndpointSet> watch = turns;
      if (watch == null || over) {
        return Slots.NOTHING_DUE;
      }
      return routed ? watch.poll() : chain.readFirst();
    }

    @Override
    public void accept(EndpointSet value, boolean reconnected) throws InvalidUpdateException {
      learnt(this, value);
    }

    @Override
    public void failed(IOException cause) {
      lost(this, cause);
    }

    void cancel() {
      Calls running = calls;
      if (running != null) {
        running.cancel();
      }
    }

    void close() {
      if (over) {
        return;
      }
      over = true;
      slots.end(this);
      cancel();
      WatchThread running = thread;
      if (running != null) {
        running.close();
      }
    }
  }
}
