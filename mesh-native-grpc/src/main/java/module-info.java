/**
 * gRPC channels and servers in a Consul mesh.
 *
 * <p>gRPC's own jars are automatic modules: the module path works, {@code jlink} does not.
 */
module io.meshnative.grpc {
  requires io.grpc.netty.shaded;
  requires io.grpc.util;
  requires transitive io.grpc;
  requires transitive io.meshnative;
  // Present or not at run time: with it, the least-request policy checks the health of endpoints.
  requires static io.grpc.services;
  requires static transitive org.jspecify;

  exports io.meshnative.grpc;

  provides io.grpc.NameResolverProvider with
      io.meshnative.grpc.MeshNameResolverProvider;
  provides io.grpc.LoadBalancerProvider with
      io.meshnative.grpc.EpochLoadBalancerProvider,
      io.meshnative.grpc.LeastRequestLoadBalancerProvider;
}
