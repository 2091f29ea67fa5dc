package io.meshnative.internal.tls;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Holds the published pair in one volatile field.
 *
 * <p>Publishing swaps the pair first and sweeps the live connections afterwards; a connection registers first
 * and reads the pair afterwards. Whichever comes first, one of the two sees the other.
 */
public final class Publisher {
  private final ReentrantLock publishing = new ReentrantLock();
  private final List<Consumer<Published>> sweepers = new CopyOnWriteArrayList<>();
  private volatile Published current;

  public Publisher(PolicyVersion first) {
    this.current = new Published(null, first);
  }

  public Published current() {
    return current;
  }

  /** Adds what runs after each publication, on the publishing thread; it must not block. */
  public void onPublished(Consumer<Published> sweeper) {
    sweepers.add(sweeper);
  }

  public void trust(TrustEpoch epoch) {
    publish(now -> new Published(epoch, now.policy()));
  }

  public void policy(PolicyVersion policy) {
    publish(now -> new Published(now.trust(), policy));
  }

  private void publish(UnaryOperator<Published> change) {
    publishing.lock();
    try {
      Published next = change.apply(current);
      current = next;
      for (Consumer<Published> sweeper : sweepers) {
        sweeper.accept(next);
      }
    } finally {
      publishing.unlock();
    }
  }
}
