package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.spring.boot.MeshProperties;
import io.meshnative.spring.boot.MeshServerPort;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.boot.web.server.Ssl;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;

/**
 * Has a web server serve the mesh, beside its main connector or instead of it.
 *
 * @param <F> the factory of the web server
 */
abstract class MeshServer<F extends AbstractConfigurableWebServerFactory>
    implements WebServerFactoryCustomizer<F>, MeshServerPort, Ordered {
  final MeshClient mesh;
  private final MeshProperties.Server properties;

  MeshServer(MeshClient mesh, MeshProperties.Server properties) {
    this.mesh = mesh;
    this.properties = properties;
  }

  /** After Boot's own, whose settings it reads. */
  @Override
  public int getOrder() {
    return Ordered.LOWEST_PRECEDENCE;
  }

  final boolean isPrimary() {
    return properties.mode() == MeshProperties.Server.Mode.PRIMARY;
  }

  /** Where to listen; 0 for a port that is free. */
  final int port(F factory) {
    return isPrimary() ? Math.max(0, factory.getPort()) : properties.port();
  }

  /** On which local address to listen; null for all. */
  final @Nullable InetAddress address(F factory) {
    return properties.address() == null ? factory.getAddress() : properties.address();
  }

  @Override
  public final void customize(F factory) {
    if (isPrimary() && Ssl.isEnabled(factory.getSsl())) {
      throw new MeshServerConflictException();
    }
    serve(factory);
  }

  /** Has the servers that the factory makes serve the mesh. */
  abstract void serve(F factory);
}
