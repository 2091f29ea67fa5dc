package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.servlet.tomcat.MeshTomcatConnector;
import io.meshnative.spring.boot.MeshProperties;
import java.net.InetAddress;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.tomcat.TomcatProtocolHandlerCustomizer;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;

/** Gives Tomcat a connector of the mesh, with the settings of {@code server.tomcat.*}. */
final class MeshTomcatServer extends MeshServer<TomcatServletWebServerFactory> {
  private volatile @Nullable MeshTomcatConnector connector;

  MeshTomcatServer(MeshClient mesh, MeshProperties.Server properties) {
    super(mesh, properties);
  }

  @Override
  public int port() {
    MeshTomcatConnector now = connector;
    return now == null ? 0 : now.getLocalPort();
  }

  @Override
  void serve(TomcatServletWebServerFactory factory) {
    // Called when Tomcat and its main connector are made, and nothing has started yet.
    factory.addContextCustomizers(context -> {
      MeshTomcatConnector made = connector(factory);
      Service service = service(context);
      if (isPrimary()) {
        List<Connector> others = List.of(service.findConnectors());
        others.forEach(service::removeConnector);
        service.addConnector(made);
        others.stream().skip(1).forEach(service::addConnector); // the first was the main one
      } else {
        service.addConnector(made);
      }
      connector = made;
    });
  }

  private MeshTomcatConnector connector(TomcatServletWebServerFactory factory) {
    MeshTomcatConnector made = new MeshTomcatConnector(mesh);
    made.setPort(port(factory));
    made.setThrowOnFailure(true);
    InetAddress address = address(factory);
    if (address != null) {
      made.setProperty("address", address.getHostAddress());
    }
    factory.getConnectorCustomizers().forEach(customizer -> customizer.customize(made));
    factory.getProtocolHandlerCustomizers().forEach(customizer -> apply(customizer, made));
    return made;
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // as Boot calls them
  private static void apply(
      TomcatProtocolHandlerCustomizer customizer, MeshTomcatConnector connector) {
    customizer.customize(connector.getProtocolHandler());
  }

  private static Service service(Context context) {
    return ((Engine) context.getParent().getParent()).getService();
  }
}
