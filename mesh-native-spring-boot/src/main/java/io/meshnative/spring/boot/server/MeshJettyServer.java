package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.spring.boot.MeshProperties;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;

/** Gives Jetty a connector of the mesh. */
final class MeshJettyServer extends MeshServer<JettyServletWebServerFactory> {
  private volatile @Nullable MeshJettyConnector connector;

  MeshJettyServer(MeshClient mesh, MeshProperties.Server properties) {
    super(mesh, properties);
  }

  @Override
  public int port() {
    MeshJettyConnector now = connector;
    return now == null ? 0 : now.getLocalPort();
  }

  @Override
  void serve(JettyServletWebServerFactory factory) {
    factory.addServerCustomizers(server -> {
      MeshJettyConnector made = new MeshJettyConnector(server, mesh);
      made.setPort(port(factory));
      InetAddress address = address(factory);
      if (address != null) {
        made.setHost(address.getHostAddress());
      }
      put(server, made, isPrimary());
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
