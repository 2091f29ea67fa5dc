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
      Watch<WorkloadIdentity> watch =
          new Watch<>(
              new LeafQuery(wiring, calls, roots), new Follower(sink), calls, wiring.steady());
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

  private final class Follower implements Target<WorkloadIdentity> {
    private final Sink<WorkloadIdentity> sink;

    Follower(Sink<WorkloadIdentity> sink) {
      this.sink = sink;
    }

    @Override
    public void accept(WorkloadIdentity value, boolean reconnected) throws InvalidUpdateException {
      if (value.id().consulId().orElse(null) instanceof ConsulId.Service id) {
        datacenter = id.datacenter();
      }
      sink.accept(value);
    }

    @Override
    public void failed(IOException cause) {
      sink.failed(cause);
    }
  }
}
