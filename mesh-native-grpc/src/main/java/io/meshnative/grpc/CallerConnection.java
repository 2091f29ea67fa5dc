package io.meshnative.grpc;

import io.grpc.Attributes;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Error;
import io.grpc.netty.shaded.io.netty.handler.codec.http2.Http2Exception;
import io.meshnative.Lease;
import io.meshnative.MeshPeer;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** One accepted connection: its transport, its TLS engine, and who is at the other end. */
final class CallerConnection {
  static final Attributes.Key<CallerConnection> ATTRIBUTE =
      Attributes.Key.create("io.meshnative.grpc.connection");

  private static final Logger LOG = System.getLogger("io.meshnative.grpc");
  private static final int MAX_LAST_RECORDS = 2048;

  private final Channel channel;
  private final SSLEngine engine;
  private final AtomicBoolean draining = new AtomicBoolean();
  private volatile @Nullable MeshPeer peer;
  private @Nullable Lease tracking; // of the channel's event loop

  CallerConnection(Channel channel, SSLEngine engine) {
    this.channel = channel;
    this.engine = engine;
  }

  SSLEngine engine() {
    return engine;
  }

  /** Who calls; null until the transport is ready. */
  @Nullable MeshPeer peer() {
    return peer;
  }

  /** The transport is ready, and nothing has been asked yet. */
  void ready(MeshPeer proven, NewStreams streams) {
    Http2ConnectionHandler http2 = channel.pipeline().get(Http2ConnectionHandler.class);
    if (http2 != null) {
      streams.watch(http2.connection());
    }
    peer = proven;
  }

  void tracking(Lease lease) {
    tracking = lease;
  }

  /** Runs after what the event loop has been given so far; not at all once the loop has ended. */
  void later(Runnable task) {
    try {
      channel.eventLoop().execute(task);
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "the server has ended, and " + channel + " with it", e);
    }
  }

  /**
   * Asks the caller to go elsewhere: GOAWAY, and the connection closes when its last call has
   * ended. Closing the channel is how gRPC's own transport does it.
   */
  void drain() {
    if (draining.compareAndSet(false, true)) {
      channel.close();
    }
  }

  /**
   * Resets one stream, on the event loop: what waits to be sent is dropped, the caller gets
   * RST_STREAM, and gRPC hears the same as if the caller had sent it, so that the application is
   * told too. Where gRPC's transport is not what it was, the connection is cut.
   */
  void reset(CallStream stream) {
    Http2ConnectionHandler http2 = channel.pipeline().get(Http2ConnectionHandler.class);
    if (http2 == null || stream.id() == NewStreams.NONE) {
      cut();
      return;
    }
    ChannelHandlerContext context = channel.pipeline().context(http2);
    long code = Http2Error.CANCEL.code();
    try {
      http2.decoder().frameListener().onRstStreamRead(context, stream.id(), code);
      http2.resetStream(context, stream.id(), code, context.newPromise());
      context.flush();
    } catch (Http2Exception | RuntimeException e) {
      LOG.log(Level.DEBUG, "a stream could not be reset, so its connection is cut", e);
      cut();
    }
  }

  /** Ends the transport itself: nothing is said any more, not even what the kernel still holds. */
  void cut() {
    later(() -> {
      if (channel.isOpen()) {
        channel.config().setOption(ChannelOption.SO_LINGER, 0); // of TCP only; others ignore it
        channel.unsafe().close(channel.unsafe().voidPromise());
      }
    });
  }

  /** The transport has ended: its engine is driven to its end, which frees native memory. */
  void ended() {
    Lease lease = tracking;
    if (lease != null) {
      lease.close();
    }
    try {
      engine.closeOutbound();
      ByteBuffer scratch = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      ByteBuffer nothing = ByteBuffer.allocate(0);
      for (int record = 0; record < MAX_LAST_RECORDS && !engine.isOutboundDone(); record++) {
        if (engine.wrap(nothing, scratch.clear()).bytesProduced() == 0) {
          break;
        }
      }
    } catch (SSLException | RuntimeException e) {
      LOG.log(Level.TRACE, "an engine that was cut has no last words", e);
    }
    try {
      engine.closeInbound();
    } catch (SSLException | RuntimeException e) {
      LOG.log(Level.TRACE, "the caller left without a word", e);
    }
    // Looked at last: an engine that finds both directions done leaves the registry.
    if (!engine.isInboundDone() || !engine.isOutboundDone()) {
      LOG.log(Level.DEBUG, "the engine of {0} was left open", channel);
    }
  }

  @Override
  public String toString() {
    return "CallerConnection[" + channel + ", " + peer + "]";
  }
}
