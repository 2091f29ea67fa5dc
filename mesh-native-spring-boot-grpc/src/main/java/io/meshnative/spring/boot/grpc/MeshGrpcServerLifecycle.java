package io.meshnative.spring.boot.grpc;

import io.meshnative.spring.boot.MeshServerPort;
import java.time.Duration;
import java.util.Map;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycle;

/**
 * Starts and stops the server in the mesh. It stops after the catalog has hidden the service, so
 * that callers on their way still find it; Spring gRPC's own would stop at the same time.
 */
final class MeshGrpcServerLifecycle extends GrpcServerLifecycle implements MeshServerPort {
  /** As a web server's graceful shutdown: after that of the registration, which has the default. */
  private static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 1024;

  private final ConfigurableEnvironment environment;

  MeshGrpcServerLifecycle(
      MeshGrpcServerFactory factory,
      Duration grace,
      ApplicationEventPublisher events,
      ConfigurableEnvironment environment) {
    super(factory, grace, events);
    this.environment = environment;
  }

  @Override
  public int getPhase() {
    return PHASE;
  }

  /** A server of the network goes on while its context is paused, as web servers do. */
  @Override
  public boolean isPauseable() {
    return false;
  }

  @Override
  public int port() {
    return getPort();
  }

  @Override
  public void start() {
    super.start();
    environment
        .getPropertySources()
        .addFirst(
            new MapPropertySource("mesh.grpc.ports", Map.of("local.mesh.grpc.port", getPort())));
  }
}
