package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Connection;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Stream;

/**
 * The number of the HTTP/2 stream that is being opened on the current thread. gRPC does not tell
 * its calls their streams; but it makes a call's tracers within the same event, on the same thread,
 * in which HTTP/2 has told of the new stream.
 */
final class NewStreams {
  static final int NONE = -1;

  private final ThreadLocal<Opened> opened = ThreadLocal.withInitial(Opened::new);

  private static final class Opened {
    int id = NONE;
  }

  /** Hears of the streams of a connection, on its event loop. */
  void watch(Http2Connection connection) {
    connection.addListener(
        new Http2ConnectionAdapter() {
          @Override
          public void onStreamActive(Http2Stream stream) {
            opened.get().id = stream.id();
          }
        });
  }

  /** The stream that was opened last on this thread, for whoever asks first. */
  int take() {
    Opened last = opened.get();
    int id = last.id;
    last.id = NONE;
    return id;
  }
}
