package io.meshnative.servlet;

import io.meshnative.MeshClient;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.servlet.tomcat.MeshTomcatConnector;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.websocket.DeploymentException;
import jakarta.websocket.server.ServerContainer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import org.apache.catalina.Context;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.websocket.server.WsSci;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.ee11.websocket.jakarta.server.config.JakartaWebSocketServletContainerInitializer;
import org.eclipse.jetty.server.Server;

/** The containers, each with the same application. */
enum Container {
  JETTY {
    @Override
    RunningServer start(MeshClient mesh, TestApplication application) throws Exception {
      Server server = new Server();
      MeshJettyConnector connector = new MeshJettyConnector(server, mesh);
      connector.setHost("127.0.0.1");
      server.addConnector(connector);
      server.setStopTimeout(0);
      ServletContextHandler context = new ServletContextHandler("/");
      context.addServletContainerInitializer((classes, servlets) -> application.install(servlets));
      JakartaWebSocketServletContainerInitializer.configure(
          context, (servlets, sockets) -> addEndpoints(sockets));
      context.getServletHandler().setStartWithUnavailable(false);
      application.errorPage(path -> {
        var errors = new org.eclipse.jetty.ee11.servlet.ErrorPageErrorHandler();
        errors.addErrorPage(IllegalStateException.class, path);
        errors.addErrorPage(404, path);
        context.setErrorHandler(errors);
      });
      server.setHandler(context);
      server.start();
      return new RunningServer() {
        @Override
        public int port() {
          return connector.getLocalPort();
        }

        @Override
        public boolean isArmed() {
          return connector.isArmed();
        }

        @Override
        public void close() throws Exception {
          server.stop();
        }
      };
    }
  },

  TOMCAT {
    @Override
    RunningServer start(MeshClient mesh, TestApplication application) throws Exception {
      Tomcat tomcat = new Tomcat();
      File base = Files.createTempDirectory("tomcat").toFile();
      tomcat.setBaseDir(base.getPath());
      MeshTomcatConnector connector = new MeshTomcatConnector(mesh);
      connector.setPort(0);
      connector.setProperty("address", "127.0.0.1");
      tomcat.getService().addConnector(connector);
      Context context = tomcat.addContext("", base.getPath());
      context.addServletContainerInitializer(
          (classes, servlets) -> application.install(servlets), null);
      Tomcat.addServlet(context, "default", new DefaultServlet());
      context.addServletMappingDecoded("/", "default");
      context.addServletContainerInitializer(new WsSci(), null);
      context.addServletContainerInitializer(
          (classes, servlets) ->
              servlets.addListener(
                  new ServletContextListener() {
                    @Override
                    public void contextInitialized(ServletContextEvent event) {
                      addEndpoints(
                          (ServerContainer)
                              event
                                  .getServletContext()
                                  .getAttribute(ServerContainer.class.getName()));
                    }
                  }),
          null);
      application.errorPage(path -> {
        var thrown = new org.apache.tomcat.util.descriptor.web.ErrorPage();
        thrown.setExceptionType(IllegalStateException.class.getName());
        thrown.setLocation(path);
        context.addErrorPage(thrown);
        var missing = new org.apache.tomcat.util.descriptor.web.ErrorPage();
        missing.setErrorCode(404);
        missing.setLocation(path);
        context.addErrorPage(missing);
      });
      tomcat.start();
      return new RunningServer() {
        @Override
        public int port() {
          return connector.getLocalPort();
        }

        @Override
        public boolean isArmed() {
          return connector.isArmed();
        }

        @Override
        public void close() throws Exception {
          tomcat.stop();
          tomcat.destroy();
          delete(base);
        }
      };
    }
  };

  /** Starts it with one connector of the mesh and nothing else. */
  abstract RunningServer start(MeshClient mesh, TestApplication application) throws Exception;

  /** A container that runs. */
  interface RunningServer extends AutoCloseable {
    int port();

    boolean isArmed();
  }

  private static void addEndpoints(ServerContainer sockets) {
    try {
      sockets.addEndpoint(Talk.class);
    } catch (DeploymentException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void delete(File file) throws IOException {
    File[] below = file.listFiles();
    if (below != null) {
      for (File child : below) {
        delete(child);
      }
    }
    Files.deleteIfExists(file.toPath());
  }
}
