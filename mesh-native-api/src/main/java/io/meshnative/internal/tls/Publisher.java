package io.meshnative.internal.tls;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Holds the published pair in one volatile field.
 *
 * <p>Publishing swaps the pair first and sweeps the live connections afterwards; a connection
 * registers first and reads the pair afterwards. Whichever comes first, one of the two sees the
 * other.
 *
 * <p>Each has its own lock: a sweep that is held up (it may ask an application's authorizer) must
 * not keep the next pair from being seen. A sweep takes the newest pair when its turn comes, never
 * an older one than the sweep before.
 */
public final class Publisher {
  private final ReentrantLock swapping = new ReentrantLock();
  private final ReentrantLock sweeping = new ReentrantLock();
  private final List<Consumer<Published>> sweepers = new CopyOnWriteArrayList<>();
  private volatile Published current;
  private volatile boolean ended;

  public Publisher(PolicyVersion first) {
    this.current = Published.now(null, first);
  }

  public Published current() {
    return current;
  }

  /** Adds what runs after each publication, on the publishing thread; it must not block. */
  public void onPublished(Consumer<Published> sweeper) {
    sweepers.add(sweeper);
  }

  public void trust(TrustEpoch epoch) {
    publish(now -> Published.now(epoch, now.policy()));
  }

  public void policy(PolicyVersion policy) {
    publish(now -> Published.now(now.trust(), policy));
  }

  /**
   * Publishes a policy for good: what comes later, from a source that is still being closed, is
   * dropped. Does not sweep: whoever ends the client ends its connections, and must not wait for a
   * sweep that is held up.
   */
  public void end(PolicyVersion last) {
    swapping.lock();
    try {
      ended = true;
      current = Published.now(current.trust(), last);
    } finally {
      swapping.unlock();
    }
  }

  /** Sweeps under the pair held, when something besides the pair changed. */
  public void sweepAgain() {
    long changed = System.nanoTime();
    sweep(held -> new Published(held.trust(), held.policy(), changed));
  }

  private void sweep(UnaryOperator<Published> as) {
    sweeping.lock();
    try {
      Published now = as.apply(current);
      for (Consumer<Published> sweeper : sweepers) {
        sweeper.accept(now);
      }
    } finally {
      sweeping.unlock();
    }
  }

  private void publish(UnaryOperator<Published> change) {
    swapping.lock();
    try {
      if (ended) {
        return;
      }
      current = change.apply(current);
    } finally {
      swapping.unlock();
    }
    sweep(held -> held);
  }
}
