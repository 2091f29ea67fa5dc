package io.meshnative.jdbc;

import io.meshnative.Subscription;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a user of a database at hand that has some time to live: renews it, or gets the next one,
 * when about two thirds of its life have passed, each process at a moment of its own. While the
 * source fails, the user at hand is used until it ends, and the source is asked again, ever less
 * often, up to once a minute.
 *
 * <p>Thread-safe. One daemon thread.
 */
public final class RefreshingCredentials implements AutoCloseable {
  private static final Logger LOG = System.getLogger("io.meshnative.jdbc");
  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  private static final Duration LAST_RETRY = Duration.ofMinutes(1);

  private final CredentialsSource source;
  private final Clock clock;
  private final DoubleSupplier random;
  private final ScheduledExecutorService scheduler;
  private final List<BiConsumer<DatabaseCredentials, DatabaseCredentials>> listeners =
      new CopyOnWriteArrayList<>();

  /** Held while the source is asked, so that it is asked once for everybody. */
  private final ReentrantLock asking = new ReentrantLock();

  private volatile @Nullable Held held;
  private int failures;

  /** A user and when it was got or prolonged. */
  private record Held(DatabaseCredentials credentials, Instant since, Duration firstLife) {}

  RefreshingCredentials(
      CredentialsSource source,
      Clock clock,
      DoubleSupplier random,
      ScheduledExecutorService scheduler) {
    this.source = source;
    this.clock = clock;
    this.random = random;
    this.scheduler = scheduler;
  }

  /**
   * Starts with a source. The first user is got now, on the calling thread.
   *
   * @param source where users come from
   * @return the credentials; close them after the pool that uses them
   * @throws IOException if the source has none
   */
  public static RefreshingCredentials start(CredentialsSource source) throws IOException {
    RefreshingCredentials made =
        new RefreshingCredentials(
            Objects.requireNonNull(source, "source"),
            Clock.systemUTC(),
            () -> ThreadLocalRandom.current().nextDouble(),
            Executors.newSingleThreadScheduledExecutor(task -> {
              Thread thread = new Thread(task, "mesh-credentials");
              thread.setDaemon(true);
              return thread;
            }));
    try {
      made.first();
      return made;
    } catch (IOException | RuntimeException e) {
      made.close();
      throw e;
    }
  }

  void first() throws IOException {
    asking.lock();
    try {
      take(source.fetch());
    } finally {
      asking.unlock();
    }
  }

  /**
   * Returns the user to log in with. Does not block, unless the user at hand has ended: then the
   * source is asked on the calling thread.
   *
   * @return the user
   * @throws SQLException if the user at hand has ended and the source has no other
   */
  public DatabaseCredentials current() throws SQLException {
    Held now = held;
    if (now != null && !hasEnded(now)) {
      return now.credentials();
    }
    asking.lock();
    try {
      now = held;
      if (now == null || hasEnded(now)) {
        take(source.fetch());
        now = Objects.requireNonNull(held);
      }
      return now.credentials();
    } catch (IOException e) {
      throw new SQLTransientConnectionException(
          "expected a user of the database, found none: the last one has ended, and the source"
              + " says: "
              + e.getMessage(),
          "28000",
          e);
    } finally {
      asking.unlock();
    }
  }

  private boolean hasEnded(Held now) {
    return now.credentials().expires().filter(end -> !clock.instant().isBefore(end)).isPresent();
  }

  /**
   * Tells when another user takes the place of the one at hand.
   *
   * @param listener gets the old user and the new one, on the thread that got it
   * @return ends the subscription
   */
  Subscription onChange(BiConsumer<DatabaseCredentials, DatabaseCredentials> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** Replaces what is held, and plans the next refresh. With the lock held. */
  private void take(DatabaseCredentials fresh) {
    Held before = held;
    Instant now = clock.instant();
    boolean same = before != null && before.credentials().isSameUser(fresh);
    Duration life = fresh.expires().map(end -> Duration.between(now, end)).orElse(Duration.ZERO);
    held = new Held(fresh, now, same && before != null ? before.firstLife() : life);
    failures = 0;
    if (same && before != null && isNoLater(fresh, before.credentials())) {
      // The source replaces the password in place when its time comes: it is asked after that.
      plan(life.plusMillis(Math.round(1000 + 2000 * random.getAsDouble())));
    } else if (fresh.expires().isPresent()) {
      // Between 60 and 75 per cent of its life.
      plan(Duration.ofMillis(Math.round(life.toMillis() * (0.6 + 0.15 * random.getAsDouble()))));
    }
    if (before != null && !same) {
      for (BiConsumer<DatabaseCredentials, DatabaseCredentials> listener : listeners) {
        try {
          listener.accept(before.credentials(), fresh);
        } catch (RuntimeException e) {
          LOG.log(Level.WARNING, "a listener to a change of the database's user failed", e);
        }
      }
    }
  }

  /** Whether an end is the one that was known, but for seconds that were rounded. */
  private static boolean isNoLater(DatabaseCredentials fresh, DatabaseCredentials before) {
    Optional<Instant> known = before.expires().map(end -> end.plusSeconds(2));
    return known.isPresent()
        && fresh.expires().filter(end -> end.isBefore(known.get())).isPresent();
  }

  private void plan(Duration in) {
    try {
      scheduler.schedule(this::refresh, Math.max(1, in.toMillis()), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // Closed.
    }
  }

  /** Renews where that gives the user a good part of its first life again, else gets another. */
  void refresh() {
    asking.lock();
    try {
      Held now = Objects.requireNonNull(held);
      if (clock.instant().isBefore(now.since().plus(dueAfter(now)))) {
        return; // somebody was faster, and has planned the next one
      }
      Optional<DatabaseCredentials> renewed = renewed(now);
      take(renewed.isPresent() ? renewed.get() : source.fetch());
    } catch (IOException | RuntimeException e) {
      Duration wait = FIRST_RETRY.multipliedBy(1L << Math.min(failures++, 6));
      wait = wait.compareTo(LAST_RETRY) < 0 ? wait : LAST_RETRY;
      LOG.log(
          Level.WARNING,
          "the database''s user could not be refreshed, it is tried again in {0}: {1}",
          wait,
          e.getMessage());
      plan(wait.plusMillis((long) (random.getAsDouble() * wait.toMillis() / 4)));
    } finally {
      asking.unlock();
    }
  }

  private static Duration dueAfter(Held now) {
    return now.credentials()
        .expires()
        .map(end -> Duration.between(now.since(), end).multipliedBy(59).dividedBy(100))
        .orElse(Duration.ZERO);
  }

  private Optional<DatabaseCredentials> renewed(Held now) {
    try {
      Instant enough = clock.instant().plus(now.firstLife().dividedBy(2));
      return source
          .renew(now.credentials())
          .filter(renewed -> renewed.expires().filter(end -> end.isBefore(enough)).isEmpty());
    } catch (IOException e) {
      LOG.log(
          Level.INFO,
          "a lease of the database''s user was not renewed, another user is asked for: {0}",
          e.getMessage());
      return Optional.empty();
    }
  }

  /** Stops refreshing; the user at hand stays until it ends. */
  @Override
  public void close() {
    scheduler.shutdownNow();
  }
}
