package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.samples.jdbc.DynamicApp;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The classic: an application, its database behind Consul's own proxy, and intentions by Consul's
 * own command line.
 */
@ExtendWith(Quiet.class)
class JdbcSampleTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();

  private String last() {
    String[] lines = said.toString(StandardCharsets.UTF_8).split("\n");
    return lines[lines.length - 1];
  }

  private static void intention(ConsulAgent agent, String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("intention", "create"));
    command.addAll(List.of(arguments));
    Process process = agent.run("intention.log", command, Map.of());
    assertThat(process.waitFor(60, java.util.concurrent.TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue())
        .as(java.nio.file.Files.readString(agent.directory().resolve("intention.log")))
        .isZero();
  }

  @Test
  void theApplicationIsServedAsLongAsAnIntentionAllowsIt() throws Exception {
    RealPeers.requireConsul();
    RealPeers.requireMariadb();
    try (ConsulAgent agent = ConsulAgent.start(true);
        DatabaseServer database = DatabaseServer.mariadb();
        Cast cast = new Cast(agent)) {
      Process proxy =
          agent.run(
              "mysql-proxy.log",
              List.of(
                  "connect",
                  "proxy",
                  "-service=mysql-server",
                  "-service-addr=127.0.0.1:" + database.port(),
                  "-listen=127.0.0.1:" + Ports.reserve(),
                  "-register",
                  "-register-id=mysql-server-1"),
              Map.of());
      cast.keep(() -> ConsulAgent.end(proxy));
      intention(agent, "-deny", "dynamic-app", "mysql-server");
      MeshClient mesh = cast.client("dynamic-app");
      Cast.awaitEndpoint(mesh, "mysql-server");
      AtomicBoolean goOn = new AtomicBoolean(true);
      DynamicApp app =
          cast.keep(new DynamicApp(mesh, new PrintStream(said, true, StandardCharsets.UTF_8)));
      CompletableFuture<Void> running = Background.run(() -> app.run(goOn::get));
      try {
        Cast.await("it is denied", () -> last().startsWith("denied: dynamic-app may not call"));
        assertThat(said.toString(StandardCharsets.UTF_8)).doesNotContain("visits");

        intention(agent, "-replace", "-allow", "dynamic-app", "mysql-server");
        Cast.await("it is served", () -> last().startsWith("visits: "));

        intention(agent, "-replace", "-deny", "dynamic-app", "mysql-server");
        Cast.await(
            "it is denied again", () -> last().startsWith("denied: dynamic-app may not call"));
        Cast.await("it is cut", () -> mesh.snapshot().connections().isEmpty());
      } finally {
        goOn.set(false);
        running.get();
      }
    }
  }
}
