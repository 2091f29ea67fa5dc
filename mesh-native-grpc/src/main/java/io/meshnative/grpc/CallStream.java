package io.meshnative.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One stream as the transport sees it: it hears of its end on the transport's thread, whatever the
 * application's threads are busy with.
 */
final class CallStream extends ServerStreamTracer {
  private static final Context.Key<CallStream> KEY = Context.key("io.meshnative.grpc.stream");
  private static final Runnable CLOSED = () -> {};

  private final int id;
  private final AtomicReference<@Nullable Runnable> onClosed = new AtomicReference<>();

  private CallStream(int id) {
    this.id = id;
  }

  /**
   * Makes the streams of a server. It is the first of the server's factories, so that no other one
   * sees a caller's word about its own identity (T38).
   */
  static final class Factory extends ServerStreamTracer.Factory {
    private final NewStreams streams;

    Factory(NewStreams streams) {
      this.streams = streams;
    }

    @Override
    public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
      CallerHeaders.strip(headers);
      return new CallStream(streams.take());
    }
  }

  /** The stream of the call whose context is current; null where an application took it away. */
  static @Nullable CallStream current() {
    return KEY.get();
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  @Override
  public void streamClosed(Status status) {
    Runnable action = onClosed.getAndSet(CLOSED);
    if (action != null) {
      action.run();
    }
  }

  /** Its number in its HTTP/2 connection; {@link NewStreams#NONE} where that is not known. */
  int id() {
    return id;
  }

  boolean isClosed() {
    return onClosed.get() == CLOSED;
  }

  /** Runs this when the stream has ended; at once if it has. Set once. */
  void onClosed(Runnable action) {
    if (!onClosed.compareAndSet(null, action)) {
      action.run();
    }
  }
}
