package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A path to a root ends, and the leaf leads to another root as well. */
class AnotherPathTest {

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  @Timeout(120)
  void aConnectionOutlivesTheBridgeItWasProvenOverWhereItsNewRootIsHeldByNow(String provider)
      throws Exception {
    MeshTestAuthority old = MeshTestAuthority.create();
    MeshTestAuthority renewed = old.successor(KeyType.EC_P256);
    MeshTestAuthority bridged = renewed.sending(old.crossSign(renewed, Duration.ofHours(1)));
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(old, "web");
    FakeControlPlane apiPlane = FakeControlPlane.allowingAll(old, "api");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(old, "db");
    TestClock dbClock = new TestClock();
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient api = Engines.builder("api", provider).controlPlane(apiPlane).build();
        MeshClient db =
            Engines.builder("db", provider).controlPlane(dbPlane).clock(dbClock).build();
        MeshServerSocket server =
            db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults())) {
      for (FakeControlPlane plane : new FakeControlPlane[] {webPlane, apiPlane}) {
        plane.endpoints("db", FakeControlPlane.endpoint(old, "db", server.getLocalPort()));
      }
      // db knows the old root alone: web is proven over the bridge, which lives for an hour.
      webPlane.roots(old, renewed).identityFeed().push(FakeControlPlane.identity(bridged, "web"));
      apiPlane
          .identityFeed()
          .push(FakeControlPlane.identity(old, LeafSpec.service("api").life(Duration.ofHours(1))));
      SSLSocket fromWeb = web.dial("db");
      SSLSocket webAtDb = server.accept();
      SSLSocket fromApi = api.dial("db");
      SSLSocket apiAtDb = server.accept();
      dbPlane.roots(old, renewed);

      dbClock.advance(Duration.ofHours(2));
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(apiAtDb::isClosed);
      // Whoever is looked at in the same moment has been looked at by the next one.
      SSLSocket again = web.dial("db");
      SSLSocket againAtDb = server.accept();
      dbClock.advance(Duration.ofHours(1));
      Awaitility.await()
          .during(Duration.ofSeconds(1))
          .atMost(Duration.ofSeconds(60))
          .until(() -> !webAtDb.isClosed() && db.snapshot().connections().size() == 2);
      for (SSLSocket[] ends : new SSLSocket[][] {{fromWeb, webAtDb}, {again, againAtDb}}) {
        ends[0].getOutputStream().write('!');
        assertThat(ends[1].getInputStream().read()).isEqualTo('!');
      }
      dbPlane.roots(old); // a bridge that has ended leads nowhere
      Awaitility.await().atMost(Duration.ofSeconds(60)).until(webAtDb::isClosed);
      assertThat(db.snapshot().connections()).isEmpty();
      fromApi.close();
    }
  }
}
