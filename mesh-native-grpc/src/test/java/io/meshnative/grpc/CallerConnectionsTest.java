package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.RetirePolicy;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSessionContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** How connections begin and end: resumed, without ALPN, over Unix sockets, and with the client. */
@ParameterizedClass
@EnumSource(Engine.class)
@Timeout(180)
class CallerConnectionsTest {
  @Parameter Engine engine;

  private ServerWorld world;
  private final Letters letters = new Letters();

  @BeforeEach
  void start() {
    world = new ServerWorld(engine);
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  // ---- resumption ----

  /** T10 through gRPC: one client context for all connections, so that it offers its session. */
  private void enforcementHoldsOnResumedSessions(
      SslProvider provider, String version, boolean certainlyResumes) throws Exception {
    world.plane.allow("web", "db");
    MeshClient db = world.mesh("db", builder -> builder.sessionResumption(true).tls12(true, false));
    Server server = world.serve(db, letters.service());
    SslContext tls = PlainTls.of(world.plane, world.plane.caIssue("web"), provider, version);
    for (int connection = 0; connection < 3; connection++) {
      ManagedChannel channel = world.channel(server, tls);
      assertThat(MeshServerTest.call(channel, Letters.WHO, "")).isEqualTo("web");
      channel.shutdown();
      assertThat(channel.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }
    if (certainlyResumes) {
      assertThat(db.snapshot().resumedHandshakes()).as("sessions resumed").isPositive();
    }
    world.plane.deny("web", "db");
    await().atMost(ServerWorld.GUARD).until(() -> !db.explain("web").isAllowed());
    int served = letters.entered.get();
    for (int connection = 0; connection < 2; connection++) {
      ManagedChannel channel = world.channel(server, tls);
      assertThat(MeshServerTest.refused(channel, Letters.WHO).getStatus().getCode())
          .isEqualTo(Status.Code.UNAVAILABLE);
    }
    assertThat(letters.entered).hasValue(served);
    world.plane.intention(
        "web", "db", "[{\"Action\": \"allow\", \"HTTP\": {\"PathExact\": \"/test.Letters/Say\"}}]");
    await()
        .atMost(ServerWorld.GUARD)
        .untilAsserted(() ->
            assertThat(MeshServerTest.call(world.channel(server, tls), Letters.SAY, "a"))
                .isEqualTo("a"));
    assertThat(
            MeshServerTest.refused(world.channel(server, tls), "test.Nothing/Here")
                .getStatus()
                .getCode())
        .isIn(Status.Code.PERMISSION_DENIED, Status.Code.UNIMPLEMENTED);
  }

  @Tag("T10")
  @Test
  void theJdksClientResumesTls13AndIsStillJudged() throws Exception {
    enforcementHoldsOnResumedSessions(SslProvider.JDK, "TLSv1.3", engine == Engine.JSSE);
  }

  @Tag("T10")
  @Test
  void theJdksClientResumesTls12AndIsStillJudged() throws Exception {
    enforcementHoldsOnResumedSessions(SslProvider.JDK, "TLSv1.2", engine == Engine.JSSE);
  }

  @Tag("T10")
  @Test
  void boringSslsClientResumesTls13AndIsStillJudged() throws Exception {
    enforcementHoldsOnResumedSessions(SslProvider.OPENSSL, "TLSv1.3", false);
  }

  @Tag("T10")
  @Test
  void boringSslsClientResumesTls12AndIsStillJudged() throws Exception {
    enforcementHoldsOnResumedSessions(SslProvider.OPENSSL, "TLSv1.2", false);
  }

  // ---- ALPN ----

  /** The engines of a mesh client, offering these protocols; what was agreed does not matter. */
  private static final class Offering extends SslContext {
    private final SSLContext context;
    private final String[] protocols;

    Offering(SSLContext context, String... protocols) {
      this.context = context;
      this.protocols = protocols;
    }

    @Override
    public boolean isClient() {
      return true;
    }

    @Override
    public List<String> cipherSuites() {
      return List.of();
    }

    @Override
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
      return () -> Arrays.asList("h2", "http/1.1", null);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
      return newEngine(allocator, "db", 1);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String host, int port) {
      SSLEngine engine = context.createSSLEngine(host, port);
      SSLParameters parameters = engine.getSSLParameters();
      parameters.setApplicationProtocols(protocols);
      engine.setSSLParameters(parameters);
      return new NettyEngine(engine);
    }

    @Override
    public SSLSessionContext sessionContext() {
      return context.getClientSessionContext();
    }
  }

  @Test
  void aCallerWithoutAlpnSpeaksHttp2AsEnvoyDoes() throws Exception {
    Server server = world.serve(world.mesh("db"), letters.service());
    MeshClient web = world.mesh("web");
    ManagedChannel channel = world.channel(server, new Offering(web.clientContext(ServerWorld.DB)));
    assertThat(MeshServerTest.call(channel, Letters.WHO, "")).isEqualTo("web");
  }

  @Test
  void aCallerThatSpeaksSomethingElseIsNotServed() throws Exception {
    Server server = world.serve(world.mesh("db"), letters.service());
    MeshClient web = world.mesh("web");
    ManagedChannel channel =
        world.channel(server, new Offering(web.clientContext(ServerWorld.DB), "http/1.1"));
    assertThat(MeshServerTest.refused(channel, Letters.WHO).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(letters.entered).hasValue(0);
  }

  // ---- transports and threads ----

  @Test
  void unixSocketsWork(@TempDir Path directory) throws Exception {
    assumeThat(Epoll.isAvailable()).as("gRPC's own client needs epoll for Unix sockets").isTrue();
    Path path = directory.resolve("db.sock");
    MeshClient db = world.mesh("db");
    world.start(
        MeshServerBuilder.forAddress(UnixDomainSocketAddress.of(path), db)
            .addService(letters.service())
            .build());
    EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    world.keep(() -> loops.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync());
    ManagedChannel channel =
        world.keep(
            NettyChannelBuilder.forAddress(new DomainSocketAddress(path.toString()))
                .eventLoopGroup(loops)
                .channelType(EpollDomainSocketChannel.class)
                .overrideAuthority("localhost")
                .sslContext(
                    PlainTls.of(
                        world.plane, world.plane.caIssue("web"), SslProvider.OPENSSL, "TLSv1.3"))
                .build());
    assertThat(MeshServerTest.call(channel, Letters.WHO, "")).isEqualTo("web");
    Stream talk = Stream.open(channel, Words.bidi(Letters.TALK), "a");
    await().atMost(ServerWorld.GUARD).until(() -> talk.came.contains("a"));
    world.plane.deny("web", "db");
    assertThat(talk.end().isOk()).isFalse();
    await().atMost(ServerWorld.GUARD).until(() -> db.snapshot().connections().isEmpty());
  }

  @Test
  void callsMayRunOnVirtualThreads() throws Exception {
    ExecutorService threads;
    try {
      threads =
          (ExecutorService)
              Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (NoSuchMethodException e) {
      assumeThat(false).as("this JVM has virtual threads").isTrue();
      return;
    }
    world.keep(threads::shutdown);
    Server server =
        world.serve(
            world.mesh("db"), builder -> builder.addService(letters.service()).executor(threads));
    ManagedChannel channel = world.stranger("web", server);
    for (int i = 0; i < 50; i++) {
      assertThat(MeshServerTest.call(channel, Letters.WHO, "")).isEqualTo("web");
    }
  }

  // ---- the end ----

  @Test
  void aClientThatLeavesLetsTheCallsUnderWayEnd() throws Exception {
    MeshClient db = world.mesh("db");
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.stranger("web", server);
    Stream hear =
        Stream.open(
            channel,
            Words.method(Letters.HEAR, io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING),
            "one");
    await().atMost(ServerWorld.GUARD).until(() -> letters.heard.contains("one"));
    CompletableFuture<Void> gone = db.shutdown(Duration.ofMinutes(10)).toCompletableFuture();
    await().atMost(ServerWorld.GUARD).until(server::isShutdown);
    assertThat(gone).isNotDone();
    hear.call.sendMessage("two");
    hear.call.halfClose();
    assertThat(hear.end().isOk()).isTrue();
    assertThat(hear.came).containsExactly("2");
    gone.get(60, TimeUnit.SECONDS);
    assertThat(db.state()).isEqualTo(MeshState.CLOSED);
    assertThat(server.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
  }

  /** A clock that can be put forward. */
  private static final class Ahead extends Clock {
    private volatile Duration by = Duration.ZERO;

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return Clock.systemUTC().instant().plus(by);
    }
  }

  /** Callers that know nothing of rotations: it is the server that asks them to go. */
  @Test
  void aConnectionThatGrowsOldIsDrainedAndNoCallFails() throws Exception {
    Ahead clock = new Ahead();
    MeshClient db =
        world.mesh("db", builder -> builder.clock(clock).retirePolicy(new RetirePolicy(0.5, 0.6)));
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.stranger("web", server);
    Stream hear =
        Stream.open(
            channel,
            Words.method(Letters.HEAR, io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING),
            "one");
    await().atMost(ServerWorld.GUARD).until(() -> letters.heard.contains("one"));
    Instant first = db.snapshot().connections().get(0).since();
    clock.by = Duration.ofHours(50); // of the 72 that leaves live
    await()
        .atMost(ServerWorld.GUARD)
        .until(() -> {
          assertThat(MeshServerTest.call(channel, Letters.WHO, "")).isEqualTo("web");
          return db.snapshot().connections().stream().anyMatch(c -> c.since().isAfter(first));
        });
    hear.call.sendMessage("two");
    hear.call.halfClose();
    assertThat(hear.end().isOk()).as("what ran before ends in its own time").isTrue();
    assertThat(hear.came).containsExactly("2");
    await()
        .atMost(ServerWorld.GUARD)
        .until(() -> db.snapshot().connections().stream().noneMatch(c -> c.since().equals(first)));
  }

  @Test
  void aServerLeavesNoThreadAndNoConnectionBehind() throws Exception {
    MeshClient db = world.mesh("db");
    for (int round = 0; round < 20; round++) {
      Server server =
          MeshServerBuilder.forPort(0, db).addService(letters.service()).build().start();
      ManagedChannel channel = world.stranger("web", server);
      assertThat(MeshServerTest.call(channel, Letters.SAY, "a")).isEqualTo("a");
      if (round % 2 == 0) {
        channel.shutdownNow();
      }
      server.shutdownNow();
      assertThat(server.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    }
    await()
        .atMost(ServerWorld.GUARD)
        .untilAsserted(() -> {
          assertThat(db.snapshot().connections()).isEmpty();
          assertThat(Thread.getAllStackTraces().keySet())
              .noneMatch(thread -> thread.getName().startsWith("mesh-db-grpc"));
        });
  }

  @Test
  void aServerThatCannotBindLeavesNothingBehindEither() throws Exception {
    MeshClient db = world.mesh("db");
    Server first = world.serve(db, letters.service());
    Server second =
        MeshServerBuilder.forAddress(
                new java.net.InetSocketAddress("127.0.0.1", first.getPort()), db)
            .build();
    assertThat(org.assertj.core.api.Assertions.catchThrowable(second::start))
        .isInstanceOf(java.io.IOException.class);
    assertThat(second.awaitTermination(60, TimeUnit.SECONDS)).isTrue();
    assertThat(MeshServerTest.call(world.stranger("web", first), Letters.SAY, "a")).isEqualTo("a");
  }

  // ---- abuse ----

  /** T40: a caller that opens calls only to reset them. */
  @Tag("T40")
  @Test
  void aFloodOfResetsEndsTheConnection() throws Exception {
    MeshClient db = world.mesh("db");
    Server server =
        world.serve(
            db, builder -> builder.addService(letters.service()).maxRstFramesPerWindow(100, 3_600));
    ManagedChannel channel = world.stranger("web", server);
    assertThat(MeshServerTest.call(channel, Letters.SAY, "a")).isEqualTo("a");
    var since = db.snapshot().connections().get(0).since();
    await()
        .atMost(ServerWorld.GUARD)
        .until(() -> {
          for (int i = 0; i < 20; i++) {
            Stream talk = Stream.open(channel, Words.bidi(Letters.TALK), "a");
            talk.call.cancel("as an attacker does", null);
          }
          return db.snapshot().connections().stream().noneMatch(c -> c.since().equals(since));
        });
    await()
        .atMost(ServerWorld.GUARD)
        .untilAsserted(
            () -> assertThat(MeshServerTest.call(channel, Letters.SAY, "b")).isEqualTo("b"));
  }
}
