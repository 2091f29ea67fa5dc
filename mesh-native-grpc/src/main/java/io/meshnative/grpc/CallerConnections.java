package io.meshnative.grpc;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The connections that a server has accepted. gRPC knows them by their TLS sessions and Netty by
 * their channels; here the two are joined, so that a connection whose right is withdrawn is closed
 * at its transport.
 */
final class CallerConnections {
  private static final Logger LOG = System.getLogger("io.meshnative.grpc");

  private final MeshClient mesh;
  private final boolean nativeBuffers;
  private final NewStreams streams = new NewStreams();
  private final Map<SSLSession, CallerConnection> bySession = new ConcurrentHashMap<>();

  /** Listening and accepted channels that are open. */
  private final AtomicInteger open = new AtomicInteger();

  private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
  private volatile boolean ended;
  private volatile Runnable onEnded = () -> {};

  CallerConnections(MeshClient mesh) {
    this.mesh = mesh;
    this.nativeBuffers = RecordBuffers.suit(mesh);
  }

  /**
   * From now on connections that grow old are asked to end.
   *
   * @param whenEnded runs when the last channel has closed, listening ones included
   */
  void start(Runnable whenEnded) {
    onEnded = whenEnded;
    untilEnded(
        mesh.subscribe(event -> {
          if (event instanceof MeshEvent.Retiring old
              && old.direction() == MeshEvent.Direction.INBOUND) {
            drainOld();
          }
        }));
  }

  /** Closes a subscription when the last channel has closed. */
  void untilEnded(Subscription subscription) {
    subscriptions.add(subscription);
    if (ended) {
      subscription.close();
    }
  }

  private void drainOld() {
    for (CallerConnection connection : bySession.values()) {
      drainIfOld(connection);
    }
  }

  /** Asked before each call too, should the event have been lost. */
  void drainIfOld(CallerConnection connection) {
    if (connection.peer() != null && mesh.isRetiring(connection.engine().getSession())) {
      connection.drain();
    }
  }

  /** Watches a listening channel, before it accepts. */
  void watch(Channel listening) {
    opened(listening);
    listening.pipeline().addLast(new Accepting());
  }

  private void opened(Channel channel) {
    open.incrementAndGet();
    channel
        .closeFuture()
        .addListener(closed -> {
          if (open.decrementAndGet() == 0) { // a listening channel is counted until it closes
            ended = true;
            subscriptions.forEach(Subscription::close);
            onEnded.run();
          }
        });
  }

  /** What a listening channel reads are the connections that it accepts. */
  private final class Accepting extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
      Channel channel = (Channel) accepted;
      opened(channel);
      channel.pipeline().addLast(new Accepted()); // before anything of gRPC's
      context.fireChannelRead(accepted);
    }
  }

  /** The first handler of a connection: what happens to it passes here before all others. */
  private final class Accepted extends ChannelInboundHandlerAdapter {
    private @Nullable CallerConnection connection;

    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
      super.channelActive(context); // gRPC puts its TLS handler in place meanwhile
      join(context);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      if (connection == null) {
        join(context);
      }
      super.channelRead(context, message);
    }

    private void join(ChannelHandlerContext context) {
      SslHandler tls = context.pipeline().get(SslHandler.class);
      if (tls == null) {
        // Nothing has been read yet, so nothing was let through.
        LOG.log(Level.WARNING, "expected TLS on {0}, found none; closed", context.channel());
        context.channel().unsafe().closeForcibly();
        return;
      }
      if (nativeBuffers) {
        RecordBuffers.use(context.channel());
      }
      CallerConnection joined = new CallerConnection(context.channel(), tls.engine());
      connection = joined;
      bySession.put(tls.engine().getSession(), joined);
      tls.handshakeFuture()
          .addListener(done -> {
            if (done.isSuccess()) {
              handshakeDone(joined);
            }
          });
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
      CallerConnection ended = connection;
      if (ended != null) { // the last handler to go: TLS is through with its engine
        bySession.remove(ended.engine().getSession());
        ended.ended();
      }
    }
  }

  private void handshakeDone(CallerConnection connection) {
    SSLSession session = connection.engine().getSession();
    if (EpochTls.speaksOtherProtocol(session)) {
      connection.cut();
      return;
    }
    try {
      connection.tracking(mesh.track(session, withdrawal -> connection.cut()));
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "expected a session of this client; the connection is closed", e);
      connection.cut();
    }
  }

  NewStreams streams() {
    return streams;
  }

  /** Tells calls who makes them. The first of the server's filters. */
  ServerTransportFilter filter() {
    return new ServerTransportFilter() {
      @Override
      public Attributes transportReady(Attributes attributes) {
        SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
        CallerConnection connection = session == null ? null : bySession.get(session);
        if (session == null || connection == null) {
          throw new IllegalStateException(
              "expected a connection that this server accepted over TLS, found another");
        }
        try {
          connection.ready(mesh.peer(session), streams);
        } catch (MeshAuthorizationException e) {
          connection.cut(); // withdrawn since the handshake
        }
        return attributes.toBuilder().set(CallerConnection.ATTRIBUTE, connection).build();
      }
    };
  }
}
