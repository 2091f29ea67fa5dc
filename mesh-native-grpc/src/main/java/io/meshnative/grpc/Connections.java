package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFactory;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import io.meshnative.Lease;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;

/**
 * Makes gRPC's sockets, and closes them when the mesh withdraws the right to use them. The engine
 * is cut by the mesh client already, so nothing passes; this ends the calls on it with the reason,
 * and the TCP connection with them.
 */
final class Connections implements ChannelFactory<Channel> {
  private static final Logger LOG = System.getLogger("io.meshnative.grpc");
  private static final int MAX_LAST_RECORDS = 64;

  private final MeshClient mesh;
  private final boolean nativeBuffers;
  private final Supplier<Channel> sockets;

  Connections(MeshClient mesh, Supplier<Channel> sockets) {
    this.mesh = mesh;
    this.nativeBuffers = RecordBuffers.suit(mesh);
    this.sockets = sockets;
  }

  @Override
  public Channel newChannel() {
    Channel channel = sockets.get();
    channel.pipeline().addLast(new FirstBytes());
    return channel;
  }

  /** Stands nearest to the network until the peer speaks, when TLS is sure to be there. */
  private final class FirstBytes extends ChannelInboundHandlerAdapter {
    @Override
    public void channelActive(ChannelHandlerContext context) {
      if (nativeBuffers) {
        RecordBuffers.use(context.channel());
      }
      context.fireChannelActive();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object bytes) {
      if (found(context)) {
        context.fireChannelRead(bytes);
      } else {
        // Nobody is there yet who could tell what it is, or prove who says it.
        ReferenceCountUtil.release(bytes);
        context.channel().unsafe().closeForcibly();
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      found(context);
      context.fireChannelInactive();
    }

    /** Whether TLS is there; it is not where the connection was closed before TLS began. */
    private boolean found(ChannelHandlerContext context) {
      context.pipeline().remove(this);
      SslHandler tls = context.pipeline().get(SslHandler.class);
      if (tls == null) {
        return false;
      }
      Channel channel = context.channel();
      tls.handshakeFuture()
          .addListener(handshake -> {
            if (handshake.isSuccess()) {
              track(channel, tls.engine().getSession());
            }
          });
      // Later than TLS and HTTP/2 have seen the end: they ask the engine why.
      channel
          .closeFuture()
          .addListener(closed -> channel.eventLoop().execute(() -> free(tls.engine())));
      return true;
    }
  }

  private void track(Channel channel, SSLSession session) {
    Lease lease;
    try {
      lease =
          mesh.track(
              session,
              withdrawal -> channel.eventLoop().execute(() -> end(channel, withdrawal.reason())));
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "expected a session of this client; the connection is closed", e);
      channel.unsafe().closeForcibly();
      return;
    }
    channel.closeFuture().addListener(closed -> lease.close());
  }

  /**
   * Closes the socket from its own end of the pipeline, past TLS, which could say nothing any more;
   * then calls hear why, before they hear that it is closed.
   */
  private static void end(Channel channel, MeshException reason) {
    ChannelHandlerContext tls = channel.pipeline().context(SslHandler.class);
    if (tls == null) {
      channel.close(); // it ended by itself meanwhile
      return;
    }
    tls.close(); // from here towards the network: TLS itself is not asked
    channel.pipeline().addAfter(tls.name(), null, new Silence(reason));
    channel.pipeline().fireExceptionCaught(reason);
  }

  /** Takes the last words of HTTP/2, which a cut engine would only complain of. */
  private static final class Silence extends ChannelOutboundHandlerAdapter {
    private final MeshException reason;

    Silence(MeshException reason) {
      this.reason = reason;
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
      ReferenceCountUtil.release(message);
      promise.tryFailure(reason);
    }

    @Override
    public void flush(ChannelHandlerContext context) {
      // Nothing was kept.
    }
  }

  /**
   * Drives the engine of a connection that has ended to its own end: it leaves the registry of live
   * connections then, and BoringSSL's memory is freed without waiting for the garbage collector.
   */
  private static void free(SSLEngine engine) {
    try {
      engine.closeOutbound();
      ByteBuffer nothing = ByteBuffer.allocate(0);
      ByteBuffer scratch = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      for (int record = 0; record < MAX_LAST_RECORDS && !engine.isOutboundDone(); record++) {
        if (engine.wrap(nothing, scratch.clear()).bytesProduced() == 0) {
          break;
        }
      }
    } catch (SSLException | RuntimeException e) {
      // It failed or was cut, and has nothing more to say.
    }
    try {
      engine.closeInbound();
    } catch (SSLException | RuntimeException e) {
      // Of course: most peers just close.
    }
    // To be asked is what lets a mesh engine leave the registry.
    if (!engine.isInboundDone() || !engine.isOutboundDone()) {
      LOG.log(
          Level.DEBUG,
          "the engine of a closed connection did not end; it is left to the garbage collector");
    }
  }
}
