package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
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
    mesh = client("api");
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
    DefaultHandler own = new DefaultHandler();
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
  void whatIsWrappedBeforeTheStartIsPutRightByItAndNoAlarmIsRaised() throws Exception {
    Logger logger = Logger.getLogger("io.meshnative.servlet"); // held: loggers are collected
    List<LogRecord> told = new CopyOnWriteArrayList<>();
    Handler listener =
        new Handler() {
          @Override
          public void publish(LogRecord line) {
            told.add(line);
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(listener);
    try {
      StatisticsHandler wrapper = new StatisticsHandler(); // as Spring Boot does for its shutdown
      wrapper.setHandler(server.getHandler());
      server.setHandler(wrapper);
      server.start();
      assertThat(connector.isArmed()).isTrue();
      assertThat(told).noneMatch(line -> line.getLevel().intValue() >= Level.WARNING.intValue());
    } finally {
      logger.removeHandler(listener);
    }
  }

  @Test
  void aServerThatStartsBeforeItsIdentityIsThereServesOnceItIs() throws Exception {
    plane.faults().down();
    Server early = new Server();
    early.setStopTimeout(0);
    try (MeshClient late = client("late");
        MeshClient web = client("web")) {
      MeshJettyConnector first = new MeshJettyConnector(early, late);
      first.setHost("127.0.0.1");
      early.addConnector(first);
      early.start();
      plane.faults().up();
      late.awaitReady(GUARD);
      web.awaitReady(GUARD);
      plane.register("late", "late-1", "127.0.0.1", first.getLocalPort());
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      await()
          .atMost(GUARD)
          .ignoreExceptions()
          .until(() -> {
            try (Response answer =
                http.newCall(new Request.Builder().url("https://late.mesh/").build()).execute()) {
              return answer.code() == 404; // it has no handler
            }
          });
    } finally {
      early.stop();
    }
  }

  private MeshClient client(String service) {
    return MeshClient.builder(service)
        .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
        .build();
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
