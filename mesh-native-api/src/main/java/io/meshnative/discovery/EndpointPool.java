package io.meshnative.discovery;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The endpoints of one destination: the newest set of them, what is going on at each, and which of
 * them have failed so often that they are left alone for a while.
 *
 * <pre>{@code
 * pool.update(endpointSet);                          // whenever the catalog says something new
 * for (Endpoint endpoint : pool.order(null)) {       // the pick first, then the alternatives
 *   Attempt attempt = pool.begin(endpoint);
 *   ...
 * }
 * }</pre>
 *
 * <p>Work and failures are remembered per instance and address, so they survive a new set. Ejected
 * endpoints stand at the end of the order, the one whose last failure is longest ago first: where
 * everything is ejected, that one is tried rather than nothing.
 *
 * <p>Thread-safe. {@link #order} and {@link #begin} take no lock that another thread could hold for
 * longer than it takes to add to a map; nothing here does I/O.
 */
public final class EndpointPool {
  private final Destination destination;
  private final LoadBalancer balancer;
  private final OutlierEjection ejection;
  private final LongSupplier nanoClock;
  private final RandomGenerator random;

  private final ConcurrentHashMap<EndpointRecord.Key, EndpointRecord> records =
      new ConcurrentHashMap<>();
  private final AtomicLong turns = new AtomicLong();

  /** Held while a standing or the newest set changes, so that the limit of ejections is exact. */
  private final ReentrantLock lock = new ReentrantLock();

  private volatile Newest newest = new Newest(null, List.of());

  /** An endpoint of the newest set, with what we remember of it. */
  private record Member(Endpoint endpoint, EndpointRecord record)
      implements LoadBalancer.Candidate {
    @Override
    public int outstanding() {
      return record.outstanding();
    }
  }

  private record Newest(@Nullable EndpointSet set, List<Member> members) {}

  /**
   * Makes an empty pool.
   *
   * @param destination the destination
   * @param balancer how to pick
   * @param ejection when to leave an endpoint alone
   * @param nanoClock a clock like {@link System#nanoTime}: nanoseconds from anywhere, never running
   *     backwards
   * @param random chance; used by many threads at once
   */
  public EndpointPool(
      Destination destination,
      LoadBalancer balancer,
      OutlierEjection ejection,
      LongSupplier nanoClock,
      RandomGenerator random) {
    this.destination = Objects.requireNonNull(destination, "destination");
    this.balancer = Objects.requireNonNull(balancer, "balancer");
    this.ejection = Objects.requireNonNull(ejection, "ejection");
    this.nanoClock = Objects.requireNonNull(nanoClock, "nanoClock");
    this.random = Objects.requireNonNull(random, "random");
  }

  /**
   * Makes an empty pool with the defaults: power of two choices, {@link
   * OutlierEjection#defaults()}, the system's clock.
   *
   * @param destination the destination
   * @return the pool
   */
  public static EndpointPool of(Destination destination) {
    return new EndpointPool(
        destination,
        LoadBalancer.powerOfTwoChoices(),
        OutlierEjection.defaults(),
        System::nanoTime,
        () -> ThreadLocalRandom.current().nextLong());
  }

  /**
   * Takes a new set in place of the one held. Endpoints that stay keep their record.
   *
   * @param set the newest set of this destination
   */
  public void update(EndpointSet set) {
    if (!set.destination().equals(destination)) {
      throw new IllegalArgumentException(
          "expected endpoints of " + destination + ", found those of " + set.destination());
    }
    lock.lock();
    try {
      List<Member> members = new ArrayList<>(set.endpoints().size());
      Map<EndpointRecord.Key, EndpointRecord> kept = new ConcurrentHashMap<>();
      for (Endpoint endpoint : set.endpoints()) {
        EndpointRecord.Key key = EndpointRecord.Key.of(endpoint);
        EndpointRecord record = records.computeIfAbsent(key, absent -> new EndpointRecord());
        kept.put(key, record);
        members.add(new Member(endpoint, record));
      }
      newest = new Newest(set, List.copyOf(members));
      // Whoever has left is forgotten, unless connections to it live on or its ejection does. A
      // dial that begins
      // on the old set at this moment may count on a record that is forgotten: nobody picks by it
      // any more.
      long now = nanoClock.getAsLong();
      records
          .entrySet()
          .removeIf(
              entry -> !kept.containsKey(entry.getKey()) && !entry.getValue().isWorthKeeping(now));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns the destination.
   *
   * @return the destination
   */
  public Destination destination() {
    return destination;
  }

  /**
   * Returns the newest set.
   *
   * @return the set last given to {@link #update}; empty before the first
   */
  public Optional<EndpointSet> endpoints() {
    return Optional.ofNullable(newest.set());
  }

  /**
   * Returns the order in which to try the endpoints now: the balancer's pick, its alternatives,
   * then the ejected ones. The list is meant for one dial; the next one asks again.
   *
   * @param stickyKey what sticks together: the order is then that of {@link
   *     LoadBalancer#rendezvous}, whatever the balancer; null to leave it to the balancer
   * @return an unmodifiable list of all endpoints; empty if there are none
   */
  public List<Endpoint> order(@Nullable String stickyKey) {
    List<Member> members = newest.members();
    long now = nanoClock.getAsLong();
    List<LoadBalancer.Candidate> candidates = new ArrayList<>(members.size());
    List<Member> ejected = List.of();
    for (Member member : members) {
      if (member.record().standing().isEjected(now)) {
        if (ejected.isEmpty()) {
          ejected = new ArrayList<>();
        }
        ejected.add(member);
      } else {
        candidates.add(member);
      }
    }
    if (!candidates.isEmpty()) {
      LoadBalancer policy = stickyKey == null ? balancer : LoadBalancer.rendezvous(stickyKey);
      int size = candidates.size();
      policy.arrange(candidates, turns.getAndIncrement(), random);
      if (candidates.size() != size) {
        throw new IllegalStateException(
            "expected the load balancer "
                + policy
                + " to reorder "
                + size
                + " candidates, found "
                + candidates.size()
                + " afterwards");
      }
    }
    List<Endpoint> order = new ArrayList<>(members.size());
    for (LoadBalancer.Candidate candidate : candidates) {
      order.add(candidate.endpoint());
    }
    if (!ejected.isEmpty()) {
      appendLeastRecentlyFailedFirst(order, ejected, now);
    }
    return Collections.unmodifiableList(order);
  }

  private static void appendLeastRecentlyFailedFirst(
      List<Endpoint> order, List<Member> ejected, long now) {
    // The ages are read once: a failure while sorting would contradict the comparisons made before.
    record Aged(Endpoint endpoint, long nanosSinceFailure) {}
    List<Aged> aged = new ArrayList<>(ejected.size());
    for (Member member : ejected) {
      long age = now - member.record().standing().lastFailure();
      aged.add(new Aged(member.endpoint(), age));
    }
    aged.sort(Comparator.comparingLong(Aged::nanosSinceFailure).reversed());
    for (Aged one : aged) {
      order.add(one.endpoint());
    }
  }

  /**
   * Opens the account of a dial. The endpoint need not be in the newest set.
   *
   * @param endpoint where the dial goes
   * @return the account; every one has to end by {@link Attempt#failed} or {@link Attempt#closed}
   */
  public Attempt begin(Endpoint endpoint) {
    EndpointRecord.Key key = EndpointRecord.Key.of(endpoint);
    EndpointRecord record = records.get(key);
    if (record == null) {
      record = records.computeIfAbsent(key, absent -> new EndpointRecord());
    }
    record.begin();
    return new Attempt(this, endpoint, record);
  }

  /**
   * Returns how much is going on at an endpoint.
   *
   * @param endpoint the endpoint
   * @return the number of attempts that were begun and have not ended
   */
  public int outstanding(Endpoint endpoint) {
    EndpointRecord record = records.get(EndpointRecord.Key.of(endpoint));
    return record == null ? 0 : record.outstanding();
  }

  /**
   * Returns which endpoints of the newest set are left alone now, for status pages.
   *
   * @return an unmodifiable list
   */
  public List<Endpoint> ejected() {
    long now = nanoClock.getAsLong();
    return newest.members().stream()
        .filter(member -> member.record().standing().isEjected(now))
        .map(Member::endpoint)
        .toList();
  }

  void succeeded(EndpointRecord record) {
    if (record.standing().isClean()) {
      return; // the usual case: nothing to clear, no lock
    }
    lock.lock();
    try {
      record.standing(EndpointRecord.Standing.CLEAN);
    } finally {
      lock.unlock();
    }
  }

  void failed(EndpointRecord record) {
    lock.lock();
    try {
      long now = nanoClock.getAsLong();
      EndpointRecord.Standing standing = record.standing().failed(now);
      boolean eject =
          standing.failures() >= ejection.failures()
              && !standing.isEjected(now)
              && mayEjectOneMore(now);
      record.standing(
          eject
              ? standing.ejected(now + ejection.periodNanos(standing.ejections(), random))
              : standing);
    } finally {
      lock.unlock();
    }
  }

  private boolean mayEjectOneMore(long now) {
    List<Member> members = newest.members();
    int ejected = 0;
    for (Member member : members) {
      if (member.record().standing().isEjected(now)) {
        ejected++;
      }
    }
    return ejected < ejection.limit(members.size());
  }

  /** Returns the destination and the number of endpoints. */
  @Override
  public String toString() {
    return "EndpointPool["
        + destination
        + ", "
        + newest.members().size()
        + " endpoints, "
        + ejected().size()
        + " ejected]";
  }
}
