package io.meshnative.spring.boot.grpc;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.context.properties.source.MutuallyExclusiveConfigurationPropertiesException;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties.Netty.Transport;
import org.springframework.util.StringUtils;

/** Where a server of the mesh listens, by its own properties and those of Spring gRPC's server. */
final class MeshServerAddress {
  /** As Spring gRPC has it. */
  private static final int PRIMARY_PORT = 9090;

  private static final int ADDITIONAL_PORT = 9443;
  private static final String SOCKET = "spring.grpc.server.netty.domain-socket-path";

  private MeshServerAddress() {}

  /** Beside Spring gRPC's own server. */
  static SocketAddress additional(MeshGrpcProperties.Server mesh, GrpcServerProperties own) {
    return at(
        mesh.address() == null ? own.getAddress() : mesh.address(),
        mesh.port() == null ? ADDITIONAL_PORT : mesh.port());
  }

  /** Instead of it. */
  static SocketAddress primary(MeshGrpcProperties.Server mesh, GrpcServerProperties own) {
    InetAddress address = mesh.address() == null ? own.getAddress() : mesh.address();
    Integer port = mesh.port() == null ? own.getPort() : mesh.port();
    String path = own.getNetty().getDomainSocketPath();
    Transport transport = own.getNetty().getTransport();
    if (transport == null) {
      refuseBoth("spring.grpc.server.address", address, path);
      refuseBoth("spring.grpc.server.port", port, path);
    }
    if (transport == Transport.DOMAIN_SOCKET || (transport == null && path != null)) {
      if (!StringUtils.hasText(path)) {
        throw new InvalidConfigurationPropertyValueException(
            SOCKET, path, "A path is needed for spring.grpc.server.netty.transport=domain-socket.");
      }
      return UnixDomainSocketAddress.of(path);
    }
    return at(address, port == null ? PRIMARY_PORT : port);
  }

  private static void refuseBoth(String property, @Nullable Object value, @Nullable String path) {
    MutuallyExclusiveConfigurationPropertiesException.throwIfMultipleNonNullValuesIn(entries -> {
      entries.put(property, value);
      entries.put(SOCKET, path);
    });
  }

  private static SocketAddress at(@Nullable InetAddress address, int port) {
    return address == null ? new InetSocketAddress(port) : new InetSocketAddress(address, port);
  }
}
