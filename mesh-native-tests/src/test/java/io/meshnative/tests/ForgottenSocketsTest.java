package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sockets that an application forgets without closing them. */
@ExtendWith(Quiet.class)
@Timeout(180)
class ForgottenSocketsTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");

  /** In a method of its own, so that no local variable keeps the accepted socket. */
  private static void acceptAndForget(MeshServerSocket server) throws IOException {
    SSLSocket forgotten = server.accept();
    assertThat(forgotten.isConnected()).isTrue();
  }

  private static boolean hasEnded(SSLSocket socket) throws IOException {
    socket.setSoTimeout(100);
    try {
      return socket.getInputStream().read() == -1;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  /** The listener has one place, which comes back. */
  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  void aConnectionThatNobodyHoldsEndsAndGivesItsPlaceBack(String provider) throws Exception {
    ListenOptions options = ListenOptions.defaults().withLimits(1, 1);
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        MeshServerSocket server = db.listen(Cast.loopback(), options)) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      for (int round = 0; round < 3; round++) {
        try (SSLSocket caller = web.dial("db")) {
          acceptAndForget(server);
          Awaitility.await("the collector has found the socket, and the caller knows")
              .atMost(Duration.ofSeconds(60))
              .until(() -> {
                Footprint.collect();
                return hasEnded(caller);
              });
        }
        Awaitility.await("the place is free")
            .atMost(Duration.ofSeconds(60))
            .until(() -> db.snapshot().connections().isEmpty());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  void aClientThatClosesEndsThemToo(String provider) throws Exception {
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        MeshServerSocket server = db.listen(Cast.loopback(), ListenOptions.defaults())) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      try (SSLSocket caller = web.dial("db")) {
        acceptAndForget(server);
        Footprint.collect();
        db.close();
        Awaitility.await("the caller knows")
            .atMost(Duration.ofSeconds(60))
            .until(() -> hasEnded(caller));
      }
      assertThatCode(db::close).doesNotThrowAnyException();
    }
  }
}
