package io.meshnative.grpc;

import io.grpc.ForwardingChannelBuilder2;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.NameResolver;
import io.grpc.ProxyDetector;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.discovery.Destination;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Builds channels to a service of the mesh: its endpoints are found and followed, each connection
 * is mutual TLS with the service's proven identity, and the policy of the mesh holds while calls
 * run.
 *
 * <pre>{@code
 * ManagedChannel orders = MeshChannelBuilder.forService("orders", mesh).build();
 * OrdersGrpc.OrdersBlockingStub stub = OrdersGrpc.newBlockingStub(orders);
 * }</pre>
 *
 * <p>Calls are spread by {@code round_robin} unless {@link #defaultLoadBalancingPolicy} or the
 * service config says otherwise. Retries, hedging, timeouts and client-side health checks are set
 * as usual, by {@link #defaultServiceConfig}; executors may be of virtual threads. DNS is never
 * asked for the service.
 *
 * <p>What the mesh lets fail is told by these statuses, with the mesh's own exception as cause:
 *
 * <ul>
 *   <li>{@code UNAVAILABLE}: there is no endpoint ({@link io.meshnative.NoEndpointException}, which
 *       says why), the client has no identity yet or was closed, or certificates have ended.
 *   <li>{@code PERMISSION_DENIED}: an intention denies the call, now or while it runs ({@link
 *       io.meshnative.MeshAuthorizationException}), or the peer has refused our certificate ({@link
 *       io.meshnative.PeerRefusedException}; look at its intentions).
 *   <li>{@code UNAUTHENTICATED}: somebody else answered than the service ({@link
 *       io.meshnative.PeerIdentityException}, with expected and actual). As gRPC has it for an
 *       invalid authority: no retry will help, so it is not {@code UNAVAILABLE}.
 * </ul>
 *
 * <p>A rotated certificate or root fails no call: new calls take new connections as soon as there
 * is one, and the old ones drain. A withdrawn right ends running calls and closes their
 * connections.
 *
 * <p>Not thread-safe; the channels are. The mesh client must stay open as long as they are used.
 */
public final class MeshChannelBuilder extends ForwardingChannelBuilder2<MeshChannelBuilder> {
  /**
   * The name of a load-balancing policy: of two endpoints drawn by their weights in the catalog,
   * the one with fewer calls running for its weight. For {@link #defaultLoadBalancingPolicy} and
   * service configs.
   */
  public static final String LEAST_REQUEST = "mesh_least_request";

  /** The policy unless another one is asked for. */
  private static final String ROUND_ROBIN = "round_robin";

  private final MeshBinding binding;
  private final NettyChannelBuilder delegate;
  private Map<String, ?> serviceConfig = Map.of();
  private String policy = ROUND_ROBIN;

  private MeshChannelBuilder(String target, MeshClient mesh, Destination destination) {
    this.binding = new MeshBinding(mesh, destination);
    this.delegate =
        NettyChannelBuilder.forTarget(target)
            .sslContext(new ClientTls(binding))
            .channelFactory(new Connections(mesh, () -> EventLoops.socket(binding.unixSockets())))
            .setNameResolverArg(MeshBinding.KEY, binding)
            .intercept(new MeshCalls(binding))
            .disableServiceConfigLookUp();
  }

  /**
   * Starts a builder for a service of the own datacenter.
   *
   * @param service the service's name in Consul
   * @param mesh who calls
   * @return the builder
   * @throws IllegalArgumentException if it is not a service name
   */
  public static MeshChannelBuilder forService(String service, MeshClient mesh) {
    return forDestination(Destination.parse(service), mesh);
  }

  /**
   * Starts a builder.
   *
   * @param destination the service
   * @param mesh who calls
   * @return the builder
   */
  public static MeshChannelBuilder forDestination(Destination destination, MeshClient mesh) {
    Objects.requireNonNull(mesh, "mesh");
    return new MeshChannelBuilder(MeshTarget.text(null, destination), mesh, destination);
  }

  /**
   * Starts a builder for a target, as programs read it from their settings: {@code mesh:///orders}
   * for the only client in {@link MeshClients}, {@code mesh://name/orders} for the client
   * registered by that name; {@code ?ns=…&ap=…&dc=…} behind it names another namespace, partition
   * or datacenter.
   *
   * @param target the target
   * @return the builder
   * @throws IllegalArgumentException if it is no such target
   * @throws IllegalStateException if no client has that name, or there is not exactly one where
   *     none is named
   */
  public static MeshChannelBuilder forTarget(String target) {
    MeshTarget parsed = MeshTarget.parse(target);
    return new MeshChannelBuilder(
        MeshTarget.text(parsed.client(), parsed.destination()),
        parsed.find(),
        parsed.destination());
  }

  /**
   * Starts a builder for a target, as {@link #forTarget(String)} does, for programs that hold their
   * client themselves: {@code mesh:///orders} means the client given here. A target that names a
   * client still means the one registered by that name.
   *
   * @param target the target
   * @param mesh who calls, where the target does not say
   * @return the builder
   * @throws IllegalArgumentException if it is no such target
   * @throws IllegalStateException if it names a client, and none has that name
   */
  public static MeshChannelBuilder forTarget(String target, MeshClient mesh) {
    Objects.requireNonNull(mesh, "mesh");
    MeshTarget parsed = MeshTarget.parse(target);
    return new MeshChannelBuilder(
        MeshTarget.text(parsed.client(), parsed.destination()),
        parsed.client() == null ? mesh : parsed.find(),
        parsed.destination());
  }

  /**
   * Refused: a mesh channel goes to a service, wherever its endpoints are.
   *
   * @param name unused
   * @param port unused
   * @return never
   * @throws UnsupportedOperationException always
   */
  public static ManagedChannelBuilder<?> forAddress(String name, int port) {
    throw refused("an address; call forService(name, mesh)");
  }

  @Override
  protected ManagedChannelBuilder<?> delegate() {
    return delegate;
  }

  /**
   * Refused: the authority says whom a connection must meet, and the mesh sets it.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshChannelBuilder overrideAuthority(String authority) {
    throw refused(
        "an authority of the caller's; it says which service must answer, and the mesh sets it");
  }

  /**
   * Refused: there is no plaintext in the mesh.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshChannelBuilder usePlaintext() {
    throw refused("plaintext; mesh channels speak mutual TLS, always");
  }

  /**
   * Refused: the endpoints come from the mesh.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  @Deprecated
  public MeshChannelBuilder nameResolverFactory(NameResolver.Factory factory) {
    throw refused("another name resolver; the endpoints come from the mesh");
  }

  /**
   * Refused: endpoints of the mesh are connected to without an HTTP proxy.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshChannelBuilder proxyDetector(ProxyDetector detector) {
    throw refused("a proxy; endpoints of the mesh are connected to directly");
  }

  /**
   * Sets the policy by which calls are spread, where the service config names none.
   *
   * @param policy the name of a policy on the class path, such as {@link #LEAST_REQUEST}; {@code
   *     round_robin} unless set
   */
  @Override
  public MeshChannelBuilder defaultLoadBalancingPolicy(String policy) {
    this.policy = Objects.requireNonNull(policy, "policy");
    return this;
  }

  /**
   * Sets the service config: load balancing, retries, hedging, timeouts, health checks.
   *
   * @param config as gRPC takes it; null for none
   */
  @Override
  public MeshChannelBuilder defaultServiceConfig(@Nullable Map<String, ?> config) {
    delegate.defaultServiceConfig(config); // which refuses what is none, here and now
    this.serviceConfig = config == null ? Map.of() : config;
    return this;
  }

  @Override
  public ManagedChannel build() {
    delegate.defaultServiceConfig(inEpochs(serviceConfig));
    EventLoopGroup loops = EventLoops.shared().acquire();
    boolean built = false;
    try {
      ManagedChannel channel = delegate.eventLoopGroup(loops).build();
      built = true;
      return new MeshChannel(channel, loops, EventLoops.shared()::release);
    } finally {
      if (!built) {
        EventLoops.shared().release();
      }
    }
  }

  /** The config with the policy of epochs around the one that was asked for. */
  private Map<String, ?> inEpochs(Map<String, ?> config) {
    Map<String, Object> changed = new TreeMap<>(config);
    Object older = changed.remove("loadBalancingPolicy");
    Object asked = changed.get("loadBalancingConfig");
    if (asked == null) {
      String name = older == null ? policy : older.toString().toLowerCase(Locale.ROOT);
      asked = List.of(Map.of(name, Map.of()));
    }
    changed.put(
        "loadBalancingConfig",
        List.of(
            Map.of(
                EpochLoadBalancerProvider.NAME, Map.of(EpochLoadBalancerProvider.CHILD, asked))));
    return changed;
  }

  private static UnsupportedOperationException refused(String found) {
    return new UnsupportedOperationException(
        "expected a channel to a service of the mesh, found " + found);
  }
}
