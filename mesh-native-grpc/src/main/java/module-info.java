/** gRPC channels and servers in a Consul mesh. */
module io.meshnative.grpc {
  requires transitive io.meshnative;
  requires static transitive org.jspecify;
}
