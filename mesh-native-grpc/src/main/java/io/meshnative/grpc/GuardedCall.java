package io.meshnative.grpc;

import io.grpc.ForwardingServerCall;
import io.grpc.ForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A call that was admitted, and that ends when its right is withdrawn.
 *
 * <p>The application's calls are not thread-safe and the withdrawal comes from another thread, so
 * one lock orders them. It is never waited for by the withdrawal: if the application is inside, the
 * one who leaves ends the call. And since it may stay inside, or what it has sent may wait for a
 * caller that does not read, the stream is reset besides, once whatever could be sent has been:
 * nothing that waits at the moment of the withdrawal is sent later.
 */
final class GuardedCall<Q, S> extends ForwardingServerCall<Q, S> {
  private final ServerCall<Q, S> call;
  private final CallerConnection connection;
  private final @Nullable CallStream stream;
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicReference<@Nullable RequestLease> lease = new AtomicReference<>();
  private boolean closed; // guarded by the lock
  private volatile Decision.@Nullable Denied withdrawn;
  private volatile boolean over;

  GuardedCall(ServerCall<Q, S> call, CallerConnection connection, @Nullable CallStream stream) {
    this.call = call;
    this.connection = connection;
    this.stream = stream;
  }

  @Override
  protected ServerCall<Q, S> delegate() {
    return call;
  }

  // ---- the right ----

  /** Keeps the right until the call is over. */
  void admitted(RequestLease right) {
    lease.set(right);
    if (stream != null) {
      stream.onClosed(this::over);
    }
    if (over) {
      over();
    }
  }

  /** The call has ended, and what it held goes with it; may be told several times. */
  void over() {
    over = true;
    RequestLease right = lease.getAndSet(null);
    if (right != null) {
      right.close();
    }
  }

  /** Called on a thread of the mesh client; does not block. */
  void withdraw(Decision.Denied denied) {
    withdrawn = denied;
    endUnlessBusy();
    // What was closed is flushed by the event loop, at the latest in what a flush under way puts
    // into the loop's queue when it ends: so the reset comes round twice.
    connection.later(() -> connection.later(this::reset));
  }

  private void endUnlessBusy() {
    Decision.Denied denied = withdrawn;
    if (denied != null && lock.tryLock()) {
      try {
        if (!closed) {
          closed = true;
          Refusal.denied(denied).answer(call);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Runs on the event loop after the flush of what was closed above. A stream that is still there
   * has something that cannot be sent, or its application is inside.
   */
  private void reset() {
    if (stream == null) {
      connection.cut(); // nobody knows which of its streams it is
    } else if (!stream.isClosed()) {
      connection.reset(stream);
    }
  }

  // ---- what the application does ----

  private void leave() {
    lock.unlock();
    endUnlessBusy(); // a withdrawal that found the lock taken
  }

  @Override
  public void sendHeaders(Metadata headers) {
    lock.lock();
    try {
      if (withdrawn == null) {
        call.sendHeaders(headers);
      }
    } finally {
      leave();
    }
  }

  @Override
  public void sendMessage(S message) {
    lock.lock();
    try {
      if (withdrawn == null) {
        call.sendMessage(message);
      }
    } finally {
      leave();
    }
  }

  @Override
  public void close(Status status, Metadata trailers) {
    lock.lock();
    try {
      if (withdrawn == null) {
        closed = true;
        call.close(status, trailers);
      }
    } finally {
      leave();
    }
  }

  @Override
  public boolean isReady() {
    return withdrawn == null && call.isReady();
  }

  @Override
  public boolean isCancelled() {
    return withdrawn != null || call.isCancelled();
  }

  /** Hears what the caller does; nothing of it after the withdrawal but the end. */
  ServerCall.Listener<Q> listener(ServerCall.Listener<Q> applications) {
    return new ForwardingServerCallListener.SimpleForwardingServerCallListener<>(applications) {
      @Override
      public void onMessage(Q message) {
        if (withdrawn == null) {
          super.onMessage(message);
        }
      }

      @Override
      public void onHalfClose() {
        if (withdrawn == null) {
          super.onHalfClose();
        }
      }

      @Override
      public void onReady() {
        if (withdrawn == null) {
          super.onReady();
        }
      }

      @Override
      public void onCancel() {
        over();
        super.onCancel();
      }

      @Override
      public void onComplete() {
        over();
        if (withdrawn == null) {
          super.onComplete();
        } else {
          super.onCancel(); // what was complete is the refusal, not the application's answer
        }
      }
    };
  }
}
