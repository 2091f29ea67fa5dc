package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.File;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a closed client leaves behind: nothing. */
class LeakTest {
  private static final int CLIENTS = 200;

  /** Dials a server, serves a caller, holds one idle connection each way when it closes. */
  private static void live(
      MeshTestAuthority authority,
      String provider,
      MeshClient peer,
      FakeControlPlane peers,
      int port)
      throws Exception {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
    MeshClient web = Engines.builder("web", provider).controlPlane(plane).build();
    try (web) {
      plane.endpoints("db", FakeControlPlane.endpoint(authority, "db", port));
      Echo.ping(web.dial("db"));
      MeshServerSocket server =
          web.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
      peers.endpoints("web", FakeControlPlane.endpoint(authority, "web", server.getLocalPort()));
      SSLSocket calling = peer.dial("web");
      try (calling) {
        server.accept();
      }
    }
    assertThat(plane.isClosed()).isTrue();
    assertThat(plane.openWatches()).isZero();
  }

  private static List<String> meshThreads(String service) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("mesh-" + service + "-"))
        .toList();
  }

  private static int openFiles() {
    String[] open = new File("/proc/self/fd").list();
    return open == null ? -1 : open.length;
  }

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  @Timeout(120)
  void clientsThatWereClosedLeaveNoThreadAndNoSocket(String provider) throws Exception {
    Assumptions.assumeTrue(
        openFiles() >= 0, "skipped, because this system has no /proc/self/fd to count in");
    MeshTestAuthority authority = MeshTestAuthority.create();
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "db");
    try (MeshClient db = Engines.builder("db", provider).controlPlane(plane).build();
        Echo echo =
            new Echo(db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()))) {
      for (int warm = 0; warm < 3; warm++) {
        live(
            authority,
            provider,
            db,
            plane,
            echo.port()); // classes, native libraries, random sources
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> db.snapshot().connections().isEmpty());
      int before = openFiles();
      for (int i = 0; i < CLIENTS; i++) {
        live(authority, provider, db, plane, echo.port());
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> {
            assertThat(meshThreads("web")).isEmpty();
            assertThat(openFiles()).isLessThanOrEqualTo(before);
            assertThat(db.snapshot().connections()).isEmpty();
          });
    }
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(meshThreads("db")).isEmpty());
  }
}
