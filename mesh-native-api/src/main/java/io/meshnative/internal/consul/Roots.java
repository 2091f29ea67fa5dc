package io.meshnative.internal.consul;

import io.meshnative.identity.TrustDomain;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import io.meshnative.spi.TrustSource;
import io.meshnative.spi.TrustUpdate;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The roots of this control plane, as a source and for the other sources: a leaf is of no use
 * before its root, and ids of endpoints carry the trust domain. The watch starts with whoever needs
 * it first.
 */
final class Roots implements TrustSource, Target<CaRoots> {
  private final Wiring wiring;
  private final ReentrantLock lock = new ReentrantLock();
  private final CountDownLatch arrived = new CountDownLatch(1);
  private @Nullable Sink<TrustUpdate> sink;
  private @Nullable WatchThread thread;
  private boolean closed;
  private volatile @Nullable TrustUpdate current;
  private volatile String signingKey = "";
  private volatile Runnable onNews = () -> {};

  Roots(Wiring wiring) {
    this.wiring = wiring;
  }

  @Override
  public void start(Sink<TrustUpdate> sink) {
    lock.lock();
    try {
      if (this.sink != null) {
        throw new IllegalStateException("expected start once, found it called twice");
      }
      this.sink = sink;
      TrustUpdate known = current;
      if (known != null) {
        try {
          sink.accept(known);
        } catch (InvalidUpdateException e) {
          sink.failed(AgentFailure.unusable("roots", String.valueOf(e.getMessage()), e));
        }
      }
    } finally {
      lock.unlock();
    }
    ensureStarted();
  }

  /** Starts the watch if it does not run yet. */
  void ensureStarted() {
    lock.lock();
    try {
      if (thread == null && !closed) {
        Calls calls = new Calls();
        Watch<CaRoots> watch =
            new Watch<>(new RootsQuery(wiring.client(), calls), this, calls, wiring.steady());
        thread = wiring.start("roots", calls, watch::step);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the first good roots. */
  TrustUpdate await() throws InterruptedException {
    arrived.await();
    TrustUpdate known = current;
    if (known == null) {
      throw new InterruptedException("closed");
    }
    return known;
  }

  /** Returns the trust domain, if roots have arrived. */
  Optional<TrustDomain> trustDomain() {
    TrustUpdate known = current;
    return known == null ? Optional.empty() : Optional.of(known.local());
  }

  /** Returns the id of the key that signs leaves now; empty where it is not known. */
  String signingKey() {
    return signingKey;
  }

  /** Tells of each answer. */
  void onNews(Runnable hearer) {
    onNews = hearer;
  }

  @Override
  public void accept(CaRoots roots, boolean reconnected) throws InvalidUpdateException {
    TrustUpdate value = roots.update();
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (sink != null) {
        sink.accept(value);
      }
      current = value;
      signingKey = roots.signingKey();
    } finally {
      lock.unlock();
    }
    arrived.countDown();
    onNews.run();
  }

  @Override
  public void failed(IOException cause) {
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
    WatchThread running;
    lock.lock();
    try {
      closed = true;
      running = thread;
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.close();
    }
  }
}
