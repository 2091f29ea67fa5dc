package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.spi.InvalidUpdateException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * What the answers to one question mean: for the next index, for the value, and for the pause until
 * the next call. {@link #step()} makes one call; a thread repeats it. Confined to that thread.
 *
 * <p>Invariants: an index is taken from a good answer only, and sent back only as long as indexes
 * do not fall; the last good value stands until a better one is accepted; whatever the agent
 * answers, calls do not spin.
 *
 * @param <T> what is watched
 */
final class Watch<T> {
  private static final Logger LOG = System.getLogger(Watch.class.getName());

  /** The pause per idle return, and its limit. */
  private static final Duration IDLE_PAUSE = Duration.ofSeconds(1);

  private static final int MAX_IDLE = 5;

  /**
   * A blocking call that comes back sooner, with the index that it was to exceed, did not block.
   */
  private static final Duration AT_ONCE = Duration.ofSeconds(10);

  /** The pause where the agent's refusal stands in for a value: rights change rarely. */
  private static final Duration REFUSED_PAUSE = Duration.ofSeconds(60);

  private final Query<T> query;
  private final Target<T> target;
  private final Calls calls;
  private final WatchClock clock;
  private final TokenBucket bucket;
  private final Backoff backoff;

  /** The index to block on; 0: ask at once. Unsigned, as all indexes here. */
  private long index;

  /** The last index that the agent sent, kept over failures; 0: none yet. */
  private long lastIndex;

  /**
   * The index of the last blocking call and when it began, to notice an agent that does not block.
   */
  private long blockedOn;

  private long blockedSince;

  private @Nullable T value;
  private @Nullable ByteString hash;
  private String variant = "";

  /** Whether the index fell or a call failed since a fresh read: what is gone may only seem so. */
  private boolean suspect;

  private int failures;

  /**
   * Whether the last failure was that of a blocking call. An agent without servers answers from its
   * cache what does not block, and fails what does: that is no recovery.
   */
  private boolean failedBlocking;

  private int idle;
  private boolean connected;

  Watch(Query<T> query, Target<T> target, Calls calls, Pace pace) {
    this.query = query;
    this.target = target;
    this.calls = calls;
    this.clock = pace.clock();
    this.bucket = new TokenBucket(pace.clock(), pace.burst(), pace.perSecond());
    this.backoff = new Backoff(pace.random());
  }

  /**
   * Makes one call that blocks, and draws the consequences.
   *
   * @return how long to pause before the next
   * @throws InterruptedException if interrupted; the watch is then to end
   */
  Duration step() throws InterruptedException {
    return step(index);
  }

  /**
   * Makes one call that does not block, for watches that share a thread.
   *
   * @return how long to pause before the next, at least a second
   * @throws InterruptedException if interrupted; the watch is then to end
   */
  Duration poll() throws InterruptedException {
    blockedOn = 0;
    Duration pause = step(0);
    return pause.compareTo(IDLE_PAUSE) < 0 ? IDLE_PAUSE : pause;
  }

  private Duration step(long asked) throws InterruptedException {
    bucket.take();
    if (asked != 0) {
      blockedOn = asked;
      blockedSince = clock.nanoTime();
    }
    try {
      take(asked, query.read(asked));
      return pauseAfterSuccess();
    } catch (ControlPlaneException e) {
      T standIn = query.instead(e);
      return standIn == null ? failed(asked, e) : refused(asked, standIn);
    } catch (InvalidUpdateException e) {
      return failed(asked, AgentFailure.unusable(query.name(), String.valueOf(e.getMessage()), e));
    } catch (IOException e) {
      return failed(asked, e);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      // A watch that dies would leave policy as it is for ever, and nobody would know.
      return failed(
          asked,
          AgentFailure.unusable(
              query.name(),
              "expected an answer that can be read, found " + e.getClass().getName(),
              e));
    }
  }

  private void take(long asked, Answer answer)
      throws IOException, InvalidUpdateException, InterruptedException {
    long next = answer.index();
    boolean fell = next != 0 && Long.compareUnsigned(next, lastIndex) < 0;
    boolean moved = !calls.standsAt(answer.link()); // another agent, or another token
    suspect |= fell || moved;
    T last = value;
    boolean same =
        last != null && answer.hash().equals(hash) && query.variant(answer).equals(variant);
    Answer used = answer;
    T fresh = same && last != null ? last : query.decode(answer);
    if (suspect && last != null && query.vanished(last, fresh)) {
      report(
          AgentFailure.unusable(
              query.name(),
              "expected the state held before, found nothing after "
                  + (fell ? "the index fell" : "a failure")
                  + "; it is read a second time, consistently",
              null));
      used = query.confirm();
      fresh = query.decode(used);
    }
    if (calls.isCancelled()) {
      return;
    }
    target.accept(fresh, !connected);
    value = fresh;
    hash = used.hash();
    variant = query.variant(used);
    if (!connected) {
      LOG.log(
          failures > 0 ? Level.INFO : Level.DEBUG, "{0}: the Consul agent answers.", query.name());
    }
    connected = true;
    if (asked != 0 || !failedBlocking) {
      failures = 0;
    }
    suspect = fell || (suspect && asked != 0);
    calls.standAt(used.link());
    advance(asked, next, fell);
  }

  private void advance(long asked, long next, boolean fell) {
    if (next == 0) {
      // No index: the next call asks for the state anew. If this one did too, all we can do is
      // poll.
      index = 0;
      idle = asked == 0 ? Math.min(idle + 1, MAX_IDLE) : idle;
      return;
    }
    boolean atOnce = blockedOn == next && clock.nanoTime() - blockedSince < AT_ONCE.toNanos();
    idle = atOnce ? Math.min(idle + 1, MAX_IDLE) : 0;
    lastIndex = next;
    // A lower index means that the servers' state was restored: what we know of it is void.
    index = fell ? 0 : next;
  }

  private Duration pauseAfterSuccess() {
    return longer(bucket.untilNext(), IDLE_PAUSE.multipliedBy(idle));
  }

  private Duration refused(long asked, T standIn) throws InterruptedException {
    startOver();
    if (!calls.isCancelled()) {
      try {
        target.acceptInstead(standIn, !connected);
        connected = true;
        failures = 0;
      } catch (IOException | InvalidUpdateException e) {
        return failed(
            asked, AgentFailure.unusable(query.name(), String.valueOf(e.getMessage()), e));
      }
    }
    return REFUSED_PAUSE;
  }

  private Duration failed(long asked, IOException cause) throws InterruptedException {
    if (asked != 0 && clock.nanoTime() - blockedSince >= AT_ONCE.toNanos()) {
      failures = 0; // all was well until now
    }
    startOver();
    suspect = true;
    failedBlocking = asked != 0;
    failures++;
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    if (calls.isCancelled()) {
      return Duration.ZERO;
    }
    LOG.log(
        connected || failures == 1 ? Level.WARNING : Level.DEBUG,
        () -> String.valueOf(cause.getMessage())); // it begins with the call
    connected = false;
    boolean answered =
        !(cause instanceof ControlPlaneException failure) || failure.status().orElse(0) == 200;
    if (answered) {
      query.unusable(failures, cause); // any other failure was recorded where the call was made
    }
    report(cause);
    return longer(bucket.untilNext(), backoff.after(failures));
  }

  private void report(IOException cause) {
    if (!calls.isCancelled()) {
      try {
        target.failed(cause);
      } catch (RuntimeException e) {
        LOG.log(Level.WARNING, () -> query.name() + ": the sink of failures failed", e);
      }
    }
  }

  /** After trouble, the next answer is read in full, whatever it equals. */
  private void startOver() {
    index = 0;
    blockedOn = 0;
    idle = 0;
    hash = null;
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }
}
