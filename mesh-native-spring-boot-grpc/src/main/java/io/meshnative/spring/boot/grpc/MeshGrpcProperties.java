package io.meshnative.spring.boot.grpc;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties {@code mesh-native.grpc.*}.
 *
 * @param client which channels go into the mesh
 * @param server whether Spring gRPC's server serves the mesh
 */
@ConfigurationProperties("mesh-native.grpc")
public record MeshGrpcProperties(@DefaultValue Client client, @DefaultValue Server server) {

  /**
   * Which channels go into the mesh.
   *
   * @param enabled whether any do
   */
  public record Client(@DefaultValue("true") boolean enabled) {}

  /**
   * Whether Spring gRPC's server serves the mesh.
   *
   * @param mode instead of Spring gRPC's own server, beside it, or not
   * @param port where; 0 for one that is free. Instead of Spring gRPC's own server, that of {@code
   *     spring.grpc.server.port} unless set; beside it, 9443
   * @param address on which local address; that of {@code spring.grpc.server.address} unless set
   */
  public record Server(
      @DefaultValue("primary") Mode mode, @Nullable Integer port, @Nullable InetAddress address) {

    /** How the mesh is served. */
    public enum Mode {
      /** Not at all. */
      OFF,
      /** On a port of its own, beside Spring gRPC's own server. */
      ADDITIONAL,
      /** Instead of Spring gRPC's own server. */
      PRIMARY
    }
  }
}
