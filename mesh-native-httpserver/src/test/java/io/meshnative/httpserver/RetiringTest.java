package io.meshnative.httpserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.RetirePolicy;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A connection whose certificates grow old is told to end with an answer, not cut under one. */
class RetiringTest {
  private static final RetirePolicy AT_ONCE = new RetirePolicy(1e-9, 2e-9);
  private static final byte[] REQUEST =
      "GET / HTTP/1.1\r\nHost: api\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);

  @Test
  void theAnswerAsksForANewConnection() throws Exception {
    try (Mesh mesh = new Mesh();
        MeshClient api = mesh.builder("api").retirePolicy(AT_ONCE).build()) {
      api.awaitReady(Mesh.GUARD);
      MeshHttpServer server = MeshHttpServer.create(api, Mesh.loopback());
      server.createContext(
          "/",
          exchange -> {
            exchange.sendResponseHeaders(200, 2);
            try (OutputStream out = exchange.getResponseBody()) {
              out.write("ok".getBytes(StandardCharsets.ISO_8859_1));
            }
          });
      server.start();
      try (SSLSocket socket = mesh.connect(server)) {
        Awaitility.await("an answer that ends the connection")
            .atMost(Mesh.GUARD)
            .until(() -> ask(socket).contains("connection: close"));
      } finally {
        server.stop(0);
      }
    }
  }

  /** Asks once more on a connection; returns the head of the answer, in lower case. */
  private static String ask(SSLSocket socket) throws IOException {
    socket.getOutputStream().write(REQUEST);
    InputStream in = socket.getInputStream();
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      assertThat(next).as("the answer goes on after %s", head).isNotNegative();
      head.append((char) next);
    }
    assertThat(in.readNBytes(2)).isEqualTo("ok".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(head).startsWith("HTTP/1.1 200");
    return head.toString().toLowerCase(Locale.ROOT);
  }
}
