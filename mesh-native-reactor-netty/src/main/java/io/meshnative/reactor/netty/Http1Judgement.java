package io.meshnative.reactor.netty;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshAuthorizationException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Judges the requests of a connection of HTTP/1.1, one after the other.
 *
 * <p>Invariant: a request is judged, and shown to what stands above, only when the request before
 * it has come in whole and its response has gone out whole. So the verdict is of the moment in
 * which the request is served, answers have the order of their requests, and there is one {@link
 * Admission} at most. All is done on the channel's event loop.
 */
final class Http1Judgement extends Judgement {
  /** Of pipelined messages held back: reading stops at the first, the connection at the second. */
  private static final int ENOUGH_HELD = 256;

  private static final int TOO_MUCH_HELD = 65_536;

  /** How much of a refused request's body is read so that the connection can go on. */
  private static final long MAX_DISCARDED = 1 << 20;

  private final MeshTls tls;
  private final Queue<Object> held = new ArrayDeque<>();

  private @Nullable Admission admission;
  private boolean refused; // what comes of the request is read and thrown away
  private boolean incoming; // the end of the request is still to come
  private boolean outgoing; // the end of its response is still to come
  private boolean answering; // the head of its final response has gone out
  private boolean upgrade; // it asks for another protocol
  private boolean upgraded; // the connection speaks another protocol, on the right of its request
  private boolean last; // no request after this one
  private boolean over; // nothing more is read
  private boolean turning; // requests that were held are being taken
  private long discarded;

  Http1Judgement(MeshTls tls) {
    this.tls = tls;
  }

  @Override
  boolean isUpgrading() {
    return upgrade || upgraded;
  }

  // ---- what comes in ----

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (over || isWithdrawn()) {
      ReferenceCountUtil.release(message);
    } else if (isUpgrading() && held.isEmpty() && !(message instanceof HttpRequest)) {
      upgradedRead(ctx, message);
    } else if (!held.isEmpty() || (message instanceof HttpRequest && (incoming || outgoing))) {
      hold(ctx, message);
    } else {
      take(ctx, message);
    }
  }

  private boolean isWithdrawn() {
    Admission now = admission;
    return now != null && now.withdrawn() != null;
  }

  private void upgradedRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof LastHttpContent) {
      incoming = false;
    }
    ctx.fireChannelRead(message);
    turn(ctx);
  }

  private void hold(ChannelHandlerContext ctx, Object message) {
    held.add(message);
    if (held.size() > TOO_MUCH_HELD) {
      end();
      tls.cut();
    } else if (held.size() > ENOUGH_HELD) {
      ctx.channel().config().setAutoRead(false);
    }
  }

  private void take(ChannelHandlerContext ctx, Object message) {
    if (message instanceof HttpRequest request) {
      begin(ctx, request);
    } else if (message instanceof HttpContent content && incoming) {
      body(ctx, content);
    } else {
      // The codec gives nothing else; somebody above it has put something in.
      ReferenceCountUtil.release(message);
      end();
      tls.cut();
    }
  }

  private void begin(ChannelHandlerContext ctx, HttpRequest request) {
    incoming = !(request instanceof LastHttpContent);
    outgoing = true;
    answering = false;
    discarded = 0;
    last = !HttpUtil.isKeepAlive(request);
    Verdict verdict = Http1Requests.defect(request);
    if (verdict == null) {
      verdict = tls.judge().judge(tls, Http1Requests.read(request), tls::cut);
    }
    if (verdict instanceof Admission admitted) {
      admission = admitted;
      refused = false;
      upgrade = request.headers().contains(HttpHeaderNames.UPGRADE);
      request.setUri(Http1Requests.origin(request.uri()));
      ctx.fireChannelRead(request);
    } else if (verdict instanceof Verdict.Refused answer) {
      boolean head = request.method().equals(HttpMethod.HEAD);
      ReferenceCountUtil.release(request);
      refuse(ctx, answer, head);
    }
  }

  private void body(ChannelHandlerContext ctx, HttpContent content) {
    if (content instanceof LastHttpContent end) {
      incoming = false;
      Http1Requests.strip(end.trailingHeaders());
    }
    if (!refused) {
      ctx.fireChannelRead(content);
    } else {
      discarded += content.content().readableBytes();
      boolean broken = content.decoderResult().isFailure() || discarded > MAX_DISCARDED;
      content.release();
      if (broken) {
        end();
        tls.cut();
      }
    }
    turn(ctx);
  }

  // ---- refusing ----

  private void refuse(ChannelHandlerContext ctx, Verdict.Refused verdict, boolean head) {
    refused = true;
    HttpRefusal answer = verdict.answer();
    byte[] text = answer.body().getBytes(StandardCharsets.UTF_8);
    ByteBuf body = head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(text);
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), body);
    response
        .headers()
        .set(HttpRefusal.HEADER, answer.id())
        .set(HttpHeaderNames.CONTENT_TYPE, HttpRefusal.CONTENT_TYPE)
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
        .set(HttpHeaderNames.CONTENT_LENGTH, text.length);
    last |= verdict.close() || tls.isRetiring();
    if (last) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
    outgoing = false;
    if (verdict.close()) {
      end();
    }
    if (last) {
      ctx.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
    } else {
      ctx.writeAndFlush(response);
    }
    turn(ctx);
  }

  // ---- what goes out ----

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    Admission now = admission;
    MeshAuthorizationException withdrawn = now == null ? null : now.withdrawn();
    if (withdrawn != null) {
      ReferenceCountUtil.release(message);
      promise.tryFailure(withdrawn);
      return;
    }
    if (message instanceof HttpResponse response) {
      head(response);
    }
    boolean complete = answering && !upgraded && message instanceof LastHttpContent;
    ChannelPromise known = complete ? promise.unvoid() : promise;
    if (complete && last) {
      known.addListener(ChannelFutureListener.CLOSE);
    }
    ctx.write(message, known);
    if (complete) {
      answered(ctx);
    }
  }

  private void head(HttpResponse response) {
    if (response.status().code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
      upgraded = upgrade;
      answering = true;
      if (!held.isEmpty()) {
        end(); // what has come behind the request was read as HTTP, and is none
        tls.cut();
      }
      return;
    }
    if (response.status().codeClass() == HttpStatusClass.INFORMATIONAL) {
      return;
    }
    answering = true;
    upgrade = false;
    last |= tls.isRetiring() || !HttpUtil.isKeepAlive(response);
    if (last) {
      response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    }
  }

  private void answered(ChannelHandlerContext ctx) {
    Admission ended = admission;
    if (ended != null) {
      ended.end();
    }
    admission = null;
    answering = false;
    outgoing = false;
    if (!held.isEmpty() || last) {
      ctx.executor().execute(() -> turn(ctx)); // the writer above is not done yet
    }
  }

  // ---- one after the other ----

  /**
   * Lets the next request in, if it is its turn. What is taken may end its own turn at once, as
   * refused requests do: then the loop that took it goes on, however many there are.
   */
  private void turn(ChannelHandlerContext ctx) {
    if (turning) {
      return;
    }
    turning = true;
    boolean some = !held.isEmpty();
    try {
      while (isNext()) {
        take(ctx, held.remove());
      }
    } finally {
      turning = false;
    }
    if (last && !incoming && !outgoing) {
      end();
    }
    // Of a refused request nobody above has heard, who would ask for more.
    if (!over && held.isEmpty() && (some || refused)) {
      ctx.fireChannelReadComplete();
      ctx.read();
    }
  }

  private boolean isNext() {
    boolean between = !incoming && !outgoing;
    return !over
        && !held.isEmpty()
        && !isWithdrawn()
        && !(between && last)
        && (between || !(held.peek() instanceof HttpRequest));
  }

  /** Reads nothing more; what runs may end. */
  private void end() {
    over = true;
    held.forEach(ReferenceCountUtil::release);
    held.clear();
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
    end();
    Admission left = admission;
    if (left != null) {
      left.end();
    }
  }
}
