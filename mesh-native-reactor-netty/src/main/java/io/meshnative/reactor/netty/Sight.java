package io.meshnative.reactor.netty;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.websocketx.WebSocketFrameDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrameEncoder;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketExtensionDecoder;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketExtensionEncoder;
import io.netty.handler.codec.http.websocketx.extensions.WebSocketServerExtensionHandler;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.logging.LoggingHandler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import reactor.netty.channel.AbstractChannelMetricsHandler;
import reactor.netty.http.IdleTimeoutHandler;

/**
 * What stands between TLS and those who judge. Whatever comes in between could take requests away
 * and answer them, so there may be only what is known to hand on: Netty's codec, and Reactor
 * Netty's handlers that log, count and measure time.
 */
final class Sight {
  private static final Logger LOG = System.getLogger("io.meshnative.reactor.netty");

  /** Reactor Netty's handler that reads during the handshake; nobody else can make one. */
  private static final String SSL_READER = "reactor.netty.tcp.SslProvider$SslReadHandler";

  private final MeshTls tls;
  private @Nullable ChannelHandler end;

  Sight(MeshTls tls) {
    this.tls = tls;
  }

  void upTo(ChannelHandler seen) {
    end = seen;
  }

  /**
   * Looks along the pipeline.
   *
   * @throws SSLException if it cannot see the end
   */
  void requireClear(ChannelPipeline pipeline) throws SSLException {
    boolean behind = false;
    ChannelHandler found = null;
    for (Map.Entry<String, ChannelHandler> entry : pipeline) {
      ChannelHandler handler = entry.getValue();
      if (handler == tls) {
        behind = true;
      } else if (behind && handler == end) {
        return;
      } else if (behind && !handsOn(handler)) {
        found = handler;
        break;
      }
    }
    String message =
        "expected the judgement of requests behind TLS, found "
            + (found == null ? "that it was taken out" : found.getClass().getName())
            + "; nothing that was sent is given to it, and the connection ends. Put handlers behind"
            + " Reactor Netty's own, as Connection.addHandlerLast does";
    LOG.log(Level.ERROR, message);
    throw new SSLException(message);
  }

  private boolean handsOn(ChannelHandler handler) {
    Class<?> type = handler.getClass();
    return type == HttpServerCodec.class
        || type == Http2FrameCodec.class
        || type == Doorway.class
        || type == IdleTimeoutHandler.class
        || type == LoggingHandler.class
        || (handler instanceof LoggingHandler && isReactors(type))
        || (handler instanceof AbstractChannelMetricsHandler && isReactors(type))
        || type.getName().equals(SSL_READER)
        || (isUpgrading() && isWebSocket(handler));
  }

  private static boolean isReactors(Class<?> type) {
    return type.getName().startsWith("reactor.netty.");
  }

  private boolean isUpgrading() {
    return end instanceof Judgement judgement && judgement.isUpgrading();
  }

  /** What decodes the frames of a WebSocket whose request was let in. */
  private static boolean isWebSocket(ChannelHandler handler) {
    return handler.getClass().getName().startsWith("io.netty.handler.codec.http.websocketx.")
        && (handler instanceof WebSocketFrameDecoder
            || handler instanceof WebSocketFrameEncoder
            || handler instanceof WebSocketExtensionDecoder
            || handler instanceof WebSocketExtensionEncoder
            || handler instanceof WebSocketServerExtensionHandler);
  }
}
