package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.servlet.tomcat.MeshTomcatConnector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.catalina.startup.Tomcat;

/** Embedded Tomcat. */
final class TomcatServer implements HttpServerUnderTest {
  private final Tomcat tomcat = new Tomcat();
  private final MeshTomcatConnector connector;
  private final Path base;

  TomcatServer(MeshClient service, RecordingApplication application) throws Exception {
    base = Files.createTempDirectory("tomcat");
    tomcat.setBaseDir(base.toString());
    connector = new MeshTomcatConnector(service);
    connector.setPort(0);
    connector.setProperty("address", "127.0.0.1");
    tomcat.getService().addConnector(connector);
    tomcat
        .addContext("", base.toString())
        .addServletContainerInitializer(
            (classes, servlets) -> RecordingServlet.install(application, servlets), null);
    tomcat.start();
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
    tomcat.stop();
    tomcat.destroy();
    List<Path> left;
    try (Stream<Path> files = Files.walk(base)) {
      left = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : left) {
      Files.deleteIfExists(file);
    }
  }
}
