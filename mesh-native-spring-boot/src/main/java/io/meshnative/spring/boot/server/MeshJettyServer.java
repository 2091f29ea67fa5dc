package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.spring.boot.MeshProperties;
import io.meshnative.spring.boot.MeshServerPort;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;
import org.springframework.boot.web.server.Ssl;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;

/** Gives Jetty a connector of the mesh. */
final class MeshJettyServer
    implements WebServerFactoryCustomizer<JettyServletWebServerFactory>, MeshServerPort, Ordered {
  private final MeshClient mesh;
  private final MeshProperties.Server properties;
  private volatile @Nullable MeshJettyConnector connector;

  MeshJettyServer(MeshClient mesh, MeshProperties.Server properties) {
    this.mesh = mesh;
    this.properties = properties;
  }

  @Override
  public int getOrder() {
    return Ordered.LOWEST_PRECEDENCE;
  }

  @Override
  public int port() {
    MeshJettyConnector now = connector;
    return now == null ? 0 : now.getLocalPort();
  }

  @Override
  public void customize(JettyServletWebServerFactory factory) {
    boolean primary = properties.mode() == MeshProperties.Server.Mode.PRIMARY;
    if (primary && Ssl.isEnabled(factory.getSsl())) {
      throw new MeshServerConflictException();
    }
    factory.addServerCustomizers(server -> {
      MeshJettyConnector made = new MeshJettyConnector(server, mesh);
      made.setPort(primary ? Math.max(0, factory.getPort()) : properties.port());
      InetAddress address =
          properties.address() == null ? factory.getAddress() : properties.address();
      if (address != null) {
        made.setHost(address.getHostAddress());
      }
      put(server, made, primary);
      connector = made;
    });
  }

  private static void put(Server server, MeshJettyConnector made, boolean primary) {
    List<Connector> connectors = new ArrayList<>(Arrays.asList(server.getConnectors()));
    if (primary && !connectors.isEmpty()) {
      if (connectors.get(0) instanceof ServerConnector main) {
        made.setIdleTimeout(main.getIdleTimeout());
        made.setAcceptQueueSize(main.getAcceptQueueSize());
      }
      connectors.set(0, made);
    } else {
      connectors.add(made);
    }
    server.setConnectors(connectors.toArray(Connector[]::new));
  }
}
