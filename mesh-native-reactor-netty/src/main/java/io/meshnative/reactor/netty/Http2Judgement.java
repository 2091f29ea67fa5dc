package io.meshnative.reactor.netty;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.intention.MalformedRequestException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameStream;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.Http2StreamFrame;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Judges the requests of a connection of HTTP/2, each stream for itself, on the frames below the
 * channels of the streams.
 *
 * <p>Invariant: of a stream, nothing that carries a request goes up before its head was let in. All
 * is done on the connection's event loop.
 */
final class Http2Judgement extends Judgement {
  private final MeshTls tls;
  private final Map<Integer, Verdict> streams = new HashMap<>();
  private @Nullable Future<?> deadline;
  private boolean goneAway;

  Http2Judgement(MeshTls tls, Http2FrameCodec codec) {
    this.tls = tls;
    codec
        .connection()
        .addListener(
            new Http2ConnectionAdapter() {
              @Override
              public void onStreamClosed(Http2Stream stream) {
                ended(stream.id());
              }
            });
  }

  /** The rest of the preface, which is a frame of settings, comes at once or not at all. */
  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    deadline = tls.cutIfSlow();
  }

  private void endDeadline() {
    Future<?> set = deadline;
    deadline = null;
    if (set != null) {
      set.cancel(false);
    }
  }

  private void ended(int stream) {
    if (streams.remove(stream) instanceof Admission admission) {
      admission.end();
    }
  }

  // ---- what comes in ----

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    endDeadline();
    if (!(message instanceof Http2StreamFrame frame) || message instanceof Http2ResetFrame) {
      ctx.fireChannelRead(message);
      return;
    }
    Verdict verdict = streams.get(frame.stream().id());
    if (verdict == null && frame instanceof Http2HeadersFrame head) {
      begin(ctx, head);
    } else if (verdict instanceof Admission admission && admission.withdrawn() == null) {
      if (frame instanceof Http2HeadersFrame trailers) {
        Http2Requests.strip(trailers.headers());
      }
      ctx.fireChannelRead(frame);
    } else {
      // Of a refused request, which was answered. What was received is told of with the stream's
      // end: until then it counts against what its peer may send.
      ReferenceCountUtil.release(message);
    }
  }

  private void begin(ChannelHandlerContext ctx, Http2HeadersFrame head) {
    Http2FrameStream stream = head.stream();
    int id = stream.id();
    Verdict verdict;
    try {
      verdict =
          tls.judge().judge(tls, Http2Requests.read(head.headers()), () -> reset(ctx, stream));
    } catch (MalformedRequestException e) {
      verdict = new Verdict.Refused(HttpRefusal.of(e), false);
    }
    streams.put(id, verdict);
    if (verdict instanceof Verdict.Refused refused) {
      refuse(ctx, head, refused.answer());
    } else {
      ctx.fireChannelRead(head);
    }
    retire(ctx);
  }

  /** A notice: new streams are for another connection, those that are on their way are served. */
  private void retire(ChannelHandlerContext ctx) {
    if (!goneAway && tls.isRetiring()) {
      goneAway = true;
      ctx.writeAndFlush(
          new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR).setExtraStreamIds(Integer.MAX_VALUE));
    }
  }

  // ---- refusing ----

  private static void refuse(
      ChannelHandlerContext ctx, Http2HeadersFrame request, HttpRefusal answer) {
    Http2FrameStream stream = request.stream();
    byte[] text = answer.body().getBytes(StandardCharsets.UTF_8);
    Http2Headers headers =
        new DefaultHttp2Headers()
            .status(Integer.toString(answer.status()))
            .set(HttpRefusal.HEADER, answer.id())
            .set("content-type", HttpRefusal.CONTENT_TYPE)
            .set("cache-control", "no-store")
            .set("content-length", Integer.toString(text.length));
    boolean bodyless = "HEAD".contentEquals(String.valueOf(request.headers().method()));
    ctx.write(new DefaultHttp2HeadersFrame(headers, false).stream(stream));
    ByteBuf body = bodyless ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(text);
    boolean incoming = !request.isEndStream();
    ctx.writeAndFlush(new DefaultHttp2DataFrame(body, true).stream(stream))
        .addListener(written -> {
          if (incoming) {
            reset(ctx, stream, Http2Error.NO_ERROR); // nobody reads the rest (RFC 9113 §8.1)
          }
        });
  }

  // ---- withdrawing ----

  /** From any thread. The other streams of the connection go on. */
  private void reset(ChannelHandlerContext ctx, Http2FrameStream stream) {
    try {
      ctx.executor().execute(() -> reset(ctx, stream, Http2Error.CANCEL));
    } catch (RejectedExecutionException e) {
      tls.cut(); // the event loop has ended, and its connections with it
    }
  }

  private static void reset(ChannelHandlerContext ctx, Http2FrameStream stream, Http2Error why) {
    ctx.writeAndFlush(new DefaultHttp2ResetFrame(why).stream(stream));
  }

  // ---- what goes out ----

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if ((message instanceof Http2DataFrame || message instanceof Http2HeadersFrame)
        && streams.get(((Http2StreamFrame) message).stream().id()) instanceof Admission admission) {
      MeshAuthorizationException withdrawn = admission.withdrawn();
      if (withdrawn != null) {
        ReferenceCountUtil.release(message);
        promise.tryFailure(withdrawn);
        return;
      }
    }
    ctx.write(message, promise);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    leave();
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    leave();
  }

  private void leave() {
    endDeadline();
    streams.values().forEach(verdict -> {
      if (verdict instanceof Admission admission) {
        admission.end();
      }
    });
    streams.clear();
  }
}
