package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Endpoint;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A dial goes to the next endpoint where one fails, and learns which ones do. */
@Timeout(120)
class DialTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
  private MeshClient web;
  private MeshClient db;
  private MeshClient other;

  @BeforeEach
  void start() throws Exception {
    web = MeshClient.builder("web").controlPlane(plane).build();
    db =
        MeshClient.builder("db")
            .controlPlane(FakeControlPlane.allowingAll(authority, "db"))
            .build();
    other =
        MeshClient.builder("other")
            .controlPlane(FakeControlPlane.allowingAll(authority, "other"))
            .build();
    for (MeshClient client : new MeshClient[] {web, db, other}) {
      client.awaitReady(Duration.ofSeconds(30));
    }
  }

  @AfterEach
  void stop() {
    other.close();
    db.close();
    web.close();
  }

  private static Echo echo(MeshClient client) throws IOException {
    return new Echo(client.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()));
  }

  /** A port on which nobody listens any more. */
  private static int deaf() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Endpoint at(int port) {
    return FakeControlPlane.endpoint(authority, "db", port);
  }

  @Test
  void aDeadEndpointCostsNoDialWhileAnotherLives() throws Exception {
    try (Echo alive = echo(db)) {
      plane.endpoints("db", at(deaf()), at(alive.port()));
      for (int i = 0; i < 20; i++) {
        try (SSLSocket socket = web.dial("db")) {
          Echo.ping(socket);
        }
      }
      assertThat(alive.accepted()).isEqualTo(20);
    }
  }

  @Test
  void anEndpointWhereAnotherServiceAnswersIsPassedOver() throws Exception {
    try (Echo impostor = echo(other);
        Echo real = echo(db)) {
      plane.endpoints("db", at(impostor.port()), at(real.port()));
      for (int i = 0; i < 20; i++) {
        try (SSLSocket socket = web.dial("db")) {
          Echo.ping(socket);
        }
      }
      assertThat(real.accepted()).isEqualTo(20);
      assertThat(impostor.bytes()).isZero();
    }
  }

  @Test
  void anEndpointWhoseHandshakesFailIsLeftAlone() throws Exception {
    try (Echo impostor = echo(other);
        Gatekeeper gate = new Gatekeeper(impostor.port());
        Echo real = echo(db)) {
      plane.endpoints("db", at(gate.port()), at(real.port()));
      for (int i = 0; i < 60; i++) {
        try (SSLSocket socket = web.dial("db")) {
          Echo.ping(socket);
        }
      }
      // Three failures eject it, for seconds and longer each time; chance alone would give it 30.
      assertThat(gate.connections()).isBetween(3, 15);
    }
  }

  @Test
  void whereOnlyAnotherServiceAnswersTheDialSaysWho() throws Exception {
    try (Echo impostor = echo(other)) {
      plane.endpoints("db", at(impostor.port()));
      assertThatThrownBy(() -> web.dial("db"))
          .isInstanceOf(PeerIdentityException.class)
          .hasMessageContaining("/svc/db")
          .hasMessageContaining("/svc/other");
      assertThat(impostor.bytes()).isZero();
    }
  }

  @Test
  void whereEverythingIsDeadTheDialNamesWhatItTried() throws Exception {
    int first = deaf();
    plane.endpoints("db", at(first));
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("127.0.0.1:" + first);
  }
}
