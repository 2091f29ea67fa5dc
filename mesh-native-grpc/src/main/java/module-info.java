/**
 * gRPC channels and servers in a Consul mesh.
 *
 * <p>gRPC's own jars are automatic modules: the module path works, {@code jlink} does not.
 */
module io.meshnative.grpc {
  requires io.grpc.netty.shaded;
  requires transitive io.grpc;
  requires transitive io.meshnative;
  requires static transitive org.jspecify;

  exports io.meshnative.grpc;
}
