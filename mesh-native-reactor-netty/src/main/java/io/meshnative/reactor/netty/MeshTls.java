package io.meshnative.reactor.netty;

import io.meshnative.Lease;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The end of a connection of the mesh in a pipeline. It brings its {@link Doorway} with it, which
 * puts the {@link Judgement} in its place once it is known what is spoken.
 */
final class MeshTls extends SslHandler {
  private static final Logger LOG = System.getLogger("io.meshnative.reactor.netty");

  private final MeshClient mesh;
  private final RequestJudge judge;
  private final OpenGate open;
  private final @Nullable Duration idleTimeout;
  private final Sight sight = new Sight(this);
  private @Nullable ChannelHandlerContext context;
  private @Nullable String protocol;
  private @Nullable Lease tracked;
  private volatile @Nullable MeshPeer peer;

  MeshTls(
      GuardedEngine engine,
      MeshClient mesh,
      RequestJudge judge,
      OpenGate open,
      @Nullable Duration idleTimeout) {
    super(engine);
    this.mesh = mesh;
    this.judge = judge;
    this.open = open;
    this.idleTimeout = idleTimeout;
    engine.guard(this::requireJudgement);
  }

  /** Objects to giving anything out that nobody would judge. */
  void requireJudgement() throws SSLException {
    sight.requireClear(context().pipeline());
  }

  private ChannelHandlerContext context() {
    ChannelHandlerContext now = context;
    if (now == null) {
      throw new IllegalStateException("expected TLS in a pipeline, found it in none");
    }
    return now;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) throws Exception {
    if (context != null) {
      throw new IllegalStateException("expected TLS in one pipeline only, found it in another");
    }
    context = ctx;
    open.enter();
    Doorway doorway = new Doorway(this);
    sight.upTo(doorway);
    ctx.pipeline().addAfter(ctx.name(), Doorway.NAME, doorway);
    super.handlerAdded(ctx);
  }

  // ---- what is spoken ----

  void speak(String decided) {
    protocol = decided;
  }

  /** Reactor Netty asks when the handshake is told of, which is when the first bytes are there. */
  @Override
  public @Nullable String applicationProtocol() {
    return protocol;
  }

  /** Puts the judgement behind the codec; from then on nothing passes that it does not see. */
  void judgeBy(ChannelPipeline pipeline, String codec, Judgement judgement) {
    pipeline.addAfter(codec, Judgement.NAME, judgement);
    sight.upTo(judgement);
  }

  // ---- who it is ----

  SSLSession session() {
    return engine().getSession();
  }

  RequestJudge judge() {
    return judge;
  }

  /** Who has made the requests that were let in; null as long as none was. */
  @Nullable MeshPeer peer() {
    return peer;
  }

  void admitted(MeshPeer who) {
    peer = who;
  }

  boolean isRetiring() {
    return mesh.isRetiring(session());
  }

  // ---- how it ends ----

  /** From now on the connection ends when its right does, whatever it is doing. */
  void track() {
    tracked = mesh.track(session(), withdrawal -> cut());
  }

  /** Ends the connection unless the deadline is taken back before a caller has said anything. */
  @Nullable Future<?> cutIfSilent() {
    return idleTimeout == null ? null : cutAfter(idleTimeout.toMillis());
  }

  /** Ends the connection unless the deadline is taken back before a preface has come in whole. */
  Future<?> cutIfSlow() {
    return cutAfter(getHandshakeTimeoutMillis());
  }

  private Future<?> cutAfter(long millis) {
    return context().executor().schedule(this::cut, Math.max(1, millis), TimeUnit.MILLISECONDS);
  }

  /**
   * Closes the transport below TLS, from any thread: what was cut off must not look complete, so
   * there is no close_notify.
   */
  void cut() {
    ChannelHandlerContext now = context();
    if (now.executor().inEventLoop()) {
      now.close();
      return;
    }
    try {
      now.executor().execute(now::close);
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "the event loop has ended, and its connections with it", e);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) throws Exception {
    Lease lease = tracked;
    if (lease != null) {
      lease.close();
    }
    try {
      super.channelInactive(ctx);
    } finally {
      EngineEnd.of(engine());
    }
  }

  /** Called once, at the end of the pipeline at the latest. */
  @Override
  public void handlerRemoved0(ChannelHandlerContext ctx) throws Exception {
    open.leave();
    super.handlerRemoved0(ctx);
  }
}
