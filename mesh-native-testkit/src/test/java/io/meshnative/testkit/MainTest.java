package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class MainTest {
  @Test
  void itPrintsTheAddressServesAndEndsWhenInterrupted() throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Thread running = new Thread(() -> Main.main(new String[0]));
    try {
      System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
      running.start();
      await().atMost(Agent.GUARD).until(() -> out.toString(StandardCharsets.UTF_8).contains("\n"));
    } finally {
      System.setOut(before);
    }
    String line = out.toString(StandardCharsets.UTF_8).strip();
    assertThat(line).matches("export CONSUL_HTTP_ADDR=127\\.0\\.0\\.1:[0-9]+");
    URI leader =
        URI.create("http://" + line.substring(line.indexOf('=') + 1) + "/v1/status/leader");
    assertThat(
            HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(leader).build(), BodyHandlers.ofString())
                .body())
        .isEqualTo("\"127.0.0.1:8300\"");

    running.interrupt();

    running.join(Agent.GUARD.toMillis());
    assertThat(running.isAlive()).isFalse();
  }
}
