package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first line from end to end, on the embedded plane and on real Consul. */
class FirstLineTest {

  static Plane start(String kind, boolean defaultAllow) throws IOException {
    if (kind.equals("embedded")) {
      return EmbeddedPlane.start(defaultAllow);
    }
    RealPeers.requireConsul();
    return ConsulAgent.start(defaultAllow);
  }

  @ParameterizedTest
  @ValueSource(strings = {"embedded", "consul"})
  void twoServicesTalkUntilAnIntentionDenies(String kind) throws Exception {
    try (Plane plane = start(kind, true);
        MeshClient db =
            plane
                .client("db")
                .register(Registration.ofListener().withAddress("127.0.0.1"))
                .build();
        MeshClient web = plane.client("web").build()) {
      db.awaitReady(Duration.ofSeconds(30));
      web.awaitReady(Duration.ofSeconds(30));
      MeshServerSocket server =
          db.listen(new InetSocketAddress("127.0.0.1", 0), io.meshnative.ListenOptions.defaults());
      try (Echo echo = new Echo(server)) {
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .until(() -> !web.endpoints(io.meshnative.discovery.Destination.parse("db")).isEmpty());
        SSLSocket socket = web.dial("db");
        Echo.ping(socket);
        plane.deny("web", "db");
        assertThatThrownBy(
                () -> {
                  socket.setSoTimeout(30_000);
                  socket.getInputStream().read();
                })
            .isInstanceOf(IOException.class)
            .isNotInstanceOf(java.net.SocketTimeoutException.class);
        assertThat(echo.accepted()).isEqualTo(1);
        plane.remove("web", "db");
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .ignoreExceptionsMatching(
                e -> e instanceof io.meshnative.MeshException || e instanceof PeerRefusedException)
            .untilAsserted(() -> {
              try (SSLSocket again = web.dial("db")) {
                Echo.ping(again);
              }
            });
      }
    }
  }
}
