package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;

/** Embedded Jetty. */
final class JettyServer implements HttpServerUnderTest {
  private final Server server = new Server();
  private final MeshJettyConnector connector;

  JettyServer(MeshClient service, RecordingApplication application) throws Exception {
    connector = new MeshJettyConnector(server, service);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setStopTimeout(0);
    ServletContextHandler context = new ServletContextHandler("/");
    context.addServletContainerInitializer(
        (classes, servlets) -> RecordingServlet.install(application, servlets));
    server.setHandler(context);
    server.start();
  }

  @Override
  public int port() {
    return connector.getLocalPort();
  }

  @Override
  public boolean http2() {
    return true;
  }

  @Override
  public boolean armed() {
    return connector.isArmed();
  }

  @Override
  public void close() throws Exception {
    server.stop();
  }
}
