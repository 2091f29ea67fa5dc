package io.meshnative.benchmarks;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.IoHandlerFactory;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.grpc.MeshServerBuilder;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * From a channel of gRPC's to a server of gRPC's, all of them with gRPC's own settings: by the
 * library; by TLS that one configures by hand, with chains of the same length; and by sidecars in
 * front of plaintext on both sides, where there are any. One connection each, and event loops for
 * each end.
 */
final class GrpcPaths implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final List<GrpcPath> paths = new ArrayList<>();
  private final List<String> missing = new ArrayList<>();

  /** What served each path by TLS, and what on. */
  private final Map<String, GrpcService> encrypted = new LinkedHashMap<>();

  private final EmbeddedControlPlane plane;
  private final GrpcPath.GrpcCall call;

  GrpcPaths(GrpcPath.GrpcCall call) throws Exception {
    this.call = call;
    this.plane = keep(EmbeddedControlPlane.builder().defaultAllow(false).start());
    try {
      int chain = mesh();
      for (GrpcHand hand : GrpcHand.values()) {
        hand(hand, chain);
      }
      sidecars();
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  /** Ours, by hand, and the others, in this order. */
  List<GrpcPath> all() {
    return List.copyOf(paths);
  }

  /** Which others there are not, and why. */
  List<String> missing() {
    return List.copyOf(missing);
  }

  /**
   * What was agreed on each path by TLS, once each was called.
   *
   * @throws IllegalStateException if they differ, which would make another comparison
   */
  List<String> agreed() {
    if (encrypted.values().stream().map(GrpcService::agreed).distinct().count() != 1) {
      throw new IllegalStateException("expected the same protocol and suite, found " + lines());
    }
    return lines();
  }

  private List<String> lines() {
    List<String> lines = new ArrayList<>();
    encrypted.forEach((path, service) -> lines.add("gRPC, " + path + ": " + service.agreed()));
    return lines;
  }

  private <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  private Server started(ServerBuilder<?> builder, GrpcService service) throws Exception {
    Server server = builder.addService(service.definition()).build().start();
    keep(() -> {
      server.shutdownNow();
      server.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    });
    return server;
  }

  /**
   * Both ends are in this JVM, where gRPC would serve both by the same event loops, and one end may
   * find what the other sent without a wake-up. Between two processes there is no such thing, and
   * none on the mesh's path, whose servers have loops of their own.
   */
  private NettyServerBuilder onItsOwnLoops() {
    boolean epoll = Epoll.isAvailable();
    IoHandlerFactory io = epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
    EventLoopGroup loops =
        new MultiThreadIoEventLoopGroup(0, new DefaultThreadFactory("server", true), io);
    keep(() -> loops.shutdownGracefully(0, 5, TimeUnit.SECONDS));
    return NettyServerBuilder.forAddress(anyPort())
        .channelType(epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
        .bossEventLoopGroup(loops)
        .workerEventLoopGroup(loops);
  }

  private void add(String name, ManagedChannel channel, List<Process> others) {
    keep(() -> {
      channel.shutdownNow();
      channel.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    });
    paths.add(new GrpcPath(name, channel, call, others));
  }

  private MeshClient member(String service) throws Exception {
    MeshClient client =
        keep(
            MeshClient.builder(service)
                .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                .tlsProvider(Engine.CONSCRYPT.provider())
                .build());
    client.awaitReady(PATIENCE);
    return client;
  }

  private int mesh() throws Exception {
    plane.allow("web", "api");
    MeshClient web = member("web");
    MeshClient api = member("api");
    GrpcService service = new GrpcService();
    Server server = started(MeshServerBuilder.forAddress(anyPort(), api), service);
    plane.register("api", "api-1", "127.0.0.1", server.getPort());
    web.endpointPool(Destination.parse("api"), PATIENCE);
    add("mesh", MeshChannelBuilder.forService("api", web).build(), List.of());
    encrypted.put("mesh, on Conscrypt (BoringSSL)", service);
    return web.identity().chain().size();
  }

  private void hand(GrpcHand hand, int chain) throws Exception {
    X509Certificate root = plane.roots().get(0);
    IssuedCertificate api = issued("api", chain);
    IssuedCertificate web = issued("web", chain);
    GrpcService service = new GrpcService();
    Server server = started(onItsOwnLoops().sslContext(hand.server(api, root)), service);
    add(
        hand.title(),
        NettyChannelBuilder.forAddress("127.0.0.1", server.getPort())
            .sslContext(hand.client(web, root))
            .build(),
        List.of());
    encrypted.put("by hand, on " + hand.engine(), service);
  }

  private IssuedCertificate issued(String service, int chain) throws Exception {
    IssuedCertificate issued = plane.caIssue(service);
    if (issued.chain().size() != chain) {
      throw new IllegalStateException(
          "expected chains of equal lengths, found "
              + issued.chain().size()
              + " by hand and "
              + chain
              + " in the mesh");
    }
    return issued;
  }

  private void sidecars() throws Exception {
    int behind = started(onItsOwnLoops(), new GrpcService()).getPort();
    Sidecars sidecars = keep(new Sidecars());
    Optional<String> consul = Sidecars.find("consul");
    if (consul.isPresent()) {
      addPlain("built-in proxies", sidecars.builtIn(consul.get(), behind));
    } else {
      missing.add("Consul's built-in proxies: no consul binary");
    }
    Optional<String> envoy = Sidecars.find("envoy");
    if (envoy.isPresent()) {
      IssuedCertificate web = plane.caIssue("web");
      IssuedCertificate api = plane.caIssue("api");
      addPlain(
          "Envoys",
          sidecars.envoy(
              envoy.get(), Sidecars.Carried.HTTP2, behind, plane.roots().get(0), web, api));
    } else {
      missing.add("Envoys: no envoy binary");
    }
  }

  private void addPlain(String name, Sidecars.Pair pair) {
    add(
        name,
        NettyChannelBuilder.forAddress("127.0.0.1", pair.port()).usePlaintext().build(),
        pair.processes());
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress("127.0.0.1", 0);
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
