package io.meshnative.reactor.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Future;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;

/**
 * Holds back the news of the handshake until the first bytes tell which protocol is spoken. There
 * are peers whose ALPN does not: Envoy, as Consul configures it, sends none with HTTP/2, and older
 * proxies offer {@code h2} and then speak something else. Then it has Reactor Netty make its
 * pipeline, puts the judgement into it and hands on what it has held.
 */
final class Doorway extends ChannelInboundHandlerAdapter {
  private static final Logger LOG = System.getLogger("io.meshnative.reactor.netty");

  static final String NAME = "reactor.left.meshDoorway";

  /** The begin of HTTP/2's connection preface (RFC 9113 §3.4), which is no request of HTTP/1.1. */
  private static final byte[] PREFACE = "PRI * HTTP/2.0".getBytes(StandardCharsets.US_ASCII);

  private final MeshTls tls;
  private @Nullable SslHandshakeCompletionEvent handshake;
  private @Nullable ByteBuf held;
  private @Nullable Future<?> deadline;
  private boolean open;

  Doorway(MeshTls tls) {
    this.tls = tls;
  }

  /** What the server was set up for is seen by whether Reactor Netty waits for ALPN. */
  private static boolean speaksHttp2(ChannelPipeline pipeline) {
    return pipeline.get(NettyPipeline.H2OrHttp11Codec) != null;
  }

  /** What the client offers is agreed to where it can be, and no more is made of it. */
  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    tls.engine()
        .setHandshakeApplicationProtocolSelector(
            (engine, offered) ->
                MeshTlsContext.select(offered, speaksHttp2(ctx.pipeline())));
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (!(event instanceof SslHandshakeCompletionEvent completion) || !completion.isSuccess()) {
      ctx.fireUserEventTriggered(event);
      return;
    }
    handshake = completion;
    tls.track();
    if (speaksHttp2(ctx.pipeline())) {
      deadline = tls.cutIfSilent();
      ctx.read();
    } else {
      open(ctx, "http/1.1");
    }
  }

  /** The mesh tells of peers that it refuses, once; Reactor Netty would tell of each at length. */
  @Override
  @SuppressWarnings("deprecation") // of ChannelHandler, not of ChannelInboundHandler
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (handshake == null && cause instanceof SSLException) {
      LOG.log(Level.DEBUG, "a handshake has failed", cause);
      return;
    }
    ctx.fireExceptionCaught(cause);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (open) {
      ctx.fireChannelRead(message);
      return;
    }
    if (handshake == null || !(message instanceof ByteBuf bytes)) {
      ReferenceCountUtil.release(message);
      tls.cut();
      return;
    }
    ByteBuf all = held == null ? bytes : ctx.alloc().compositeBuffer().addComponents(true, held, bytes);
    held = all;
    int same = 0;
    while (same < PREFACE.length
        && same < all.readableBytes()
        && all.getByte(all.readerIndex() + same) == PREFACE[same]) {
      same++;
    }
    if (same == PREFACE.length) {
      open(ctx, "h2");
    } else if (same < all.readableBytes()) {
      open(ctx, "http/1.1");
    } else if (bytes == all) { // the first of them: it has begun, so it goes on
      endDeadline();
      deadline = tls.cutIfSlow();
    }
  }

  private void endDeadline() {
    Future<?> set = deadline;
    deadline = null;
    if (set != null) {
      set.cancel(false);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (!open && handshake != null) {
      ctx.read();
    }
    ctx.fireChannelReadComplete();
  }

  private void open(ChannelHandlerContext ctx, String protocol) {
    endDeadline();
    tls.speak(protocol);
    ctx.fireUserEventTriggered(handshake);
    ChannelPipeline pipeline = ctx.pipeline();
    Http2FrameCodec http2 = pipeline.get(Http2FrameCodec.class);
    if (http2 != null) {
      tls.judgeBy(pipeline, pipeline.context(http2).name(), new Http2Judgement(tls, http2));
    } else {
      HttpServerCodec http1 = pipeline.get(HttpServerCodec.class);
      if (http1 == null) {
        tls.cut(); // closed meanwhile, or somebody has taken the codec away
        return;
      }
      tls.judgeBy(pipeline, pipeline.context(http1).name(), new Http1Judgement(tls));
    }
    open = true;
    ByteBuf first = held;
    held = null;
    if (first != null) {
      ctx.fireChannelRead(first);
    }
    pipeline.remove(this);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    endDeadline();
    ByteBuf left = held;
    held = null;
    if (left != null) {
      left.release();
    }
  }
}
