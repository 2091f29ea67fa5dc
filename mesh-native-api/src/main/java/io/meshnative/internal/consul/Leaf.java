package io.meshnative.internal.consul;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The service's identity, once there are roots. It also tells the own datacenter, which needs no
 * further rights.
 */
final class Leaf implements IdentitySource {
  private final Wiring wiring;
  private final Roots roots;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable WatchThread thread;
  private @Nullable LeafGuard guard;
  private boolean closed;
  private volatile @Nullable String datacenter;

  Leaf(Wiring wiring, Roots roots) {
    this.wiring = wiring;
    this.roots = roots;
  }

  @Override
  public void start(Sink<WorkloadIdentity> sink) {
    lock.lock();
    try {
      if (thread != null) {
        throw new IllegalStateException("expected start once, found it called twice");
      }
      if (closed) {
        return;
      }
      roots.ensureStarted();
      Calls calls = new Calls();
      LeafRights rights = new LeafRights();
      LeafGuard watching = new LeafGuard(wiring, roots, rights, calls, sink::warning);
      guard = watching;
      roots.onNews(watching::look);
      Watch<WorkloadIdentity> watch =
          new Watch<>(
              new LeafQuery(wiring, calls, roots, rights),
              new Follower(sink, watching),
              calls,
              wiring.steady());
      thread = wiring.start("leaf", calls, watch::step);
    } finally {
      lock.unlock();
    }
  }

  /** Returns the datacenter in which the leaf was issued, if one has arrived. */
  Optional<String> datacenter() {
    return Optional.ofNullable(datacenter);
  }

  @Override
  public void close() {
    WatchThread running;
    LeafGuard watching;
    lock.lock();
    try {
      closed = true;
      running = thread;
      watching = guard;
    } finally {
      lock.unlock();
    }
    if (watching != null) {
      watching.close();
    }
    if (running != null) {
      running.close();
    }
  }

  private final class Follower implements Target<WorkloadIdentity> {
    private final Sink<WorkloadIdentity> sink;

    private final LeafGuard watching;

    Follower(Sink<WorkloadIdentity> sink, LeafGuard watching) {
      this.sink = sink;
      this.watching = watching;
    }

    @Override
    public void accept(WorkloadIdentity value, boolean reconnected) throws InvalidUpdateException {
      if (value.id().consulId().orElse(null) instanceof ConsulId.Service id) {
        datacenter = id.datacenter();
      }
      sink.accept(value);
      watching.leaf(value);
    }

    @Override
    public void failed(IOException cause) {
      sink.failed(cause);
    }
  }
}
