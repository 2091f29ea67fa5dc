package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.testkit.EmbeddedControlPlane;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.handler.DefaultHandler;
import org.eclipse.jetty.server.handler.StatisticsHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The gate is armed as long as the judgement stands at the root of the server, and no longer. */
@Timeout(600)
class JettyGateTest {
  private final Server server = new Server();
  private EmbeddedControlPlane plane;
  private MeshClient mesh;
  private MeshJettyConnector connector;

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedControlPlane.start();
    mesh =
        MeshClient.builder("api")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    mesh.awaitReady(GUARD);
    server.setStopTimeout(0);
    connector = new MeshJettyConnector(server, mesh);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
  }

  @AfterEach
  void leave() throws Exception {
    server.stop();
    mesh.close();
    plane.close();
  }

  @Test
  void itIsArmedWhileTheServerRunsWhateverHandlersWereSetBefore() throws Exception {
    Handler own = new DefaultHandler();
    server.setHandler(own);
    server.insertHandler(new StatisticsHandler());
    assertThat(connector.isArmed()).isFalse();
    server.start();
    assertThat(connector.isArmed()).isTrue();
    assertThat(server.getDescendants()).contains(own);
    server.stop();
    assertThat(connector.isArmed()).isFalse();
    server.start();
    assertThat(connector.isArmed()).isTrue();
  }

  @Test
  void itIsDisarmedWhenAnotherHandlerTakesTheRoot() throws Exception {
    server.setDynamic(true);
    server.setHandler(new DefaultHandler());
    server.start();
    assertThat(connector.isArmed()).isTrue();
    server.setHandler(new DefaultHandler());
    assertThat(connector.isArmed()).isFalse();
  }

  @Test
  void itIsDisarmedWhenAHandlerIsInsertedBefore() throws Exception {
    server.setDynamic(true);
    server.setHandler(new DefaultHandler());
    server.start();
    server.insertHandler(new StatisticsHandler());
    assertThat(connector.isArmed()).isFalse();
  }

  @Test
  void aConnectorThatComesTooLateDoesNotStart() throws Exception {
    Server late = new Server();
    late.setStopTimeout(0);
    late.setHandler(new DefaultHandler());
    late.start();
    try {
      MeshJettyConnector tooLate = new MeshJettyConnector(late, mesh);
      assertThatThrownBy(tooLate::start)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("expected the mesh's handler at the root of the server");
      assertThat(tooLate.isArmed()).isFalse();
    } finally {
      late.stop();
    }
  }
}
