package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.open;
import static io.meshnative.tests.TlsWorld.ping;
import static io.meshnative.tests.TlsWorld.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Door;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.Provider;
import java.security.Security;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** T55: another security provider stands first. */
@ExtendWith(Quiet.class)
class ProviderOrderTest {

  @ParameterizedTest
  @EnumSource(Tls.class)
  void t55AProviderThatWasPutFirstIsNotAskedWhomToTrust(Tls tls) throws Exception {
    RawPeer web;
    RawPeer db;
    RawPeer good;
    try (TlsWorld world = new TlsWorld(tls, Optional.empty());
        Application app = open(world.db, Door.LISTEN)) {
      // Our trust domain, another CA: whoever builds the path has to find out.
      MeshTestAuthority other =
          MeshTestAuthority.create(world.plane.trustDomain(), KeyType.EC_P256, Clock.systemUTC());
      web = RawPeer.of(Tls.JSSE.security(), other.issue(LeafSpec.service("web")));
      db = RawPeer.of(Tls.JSSE.security(), other.issue(LeafSpec.service("db")));
      good = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("web"));
      try (Application server = open(db, 0, Tls.JSSE);
          Usurper usurper = Usurper.ofPaths()) {
        assertThat(usurper.getServices()).isNotEmpty();
        refused(world.db, app, () -> web.ping(app.port(), "TLSv1.3"));
        refused(world.web, server, () -> ping(world.web, DB, server.port(), "TLSv1.3"));
        good.ping(app.port(), "TLSv1.3");
        ping(world.web, DB, app.port(), "TLSv1.3");
        try (MeshClient late = world.client("late", new TestClock())) {
          ping(late, DB, app.port(), "TLSv1.3");
        }
        // (For a TLS context OkHttp asks, for calls of its own that nobody makes.)
        assertThat(Usurper.ASKED).doesNotContain("CertPathBuilder", "CertStore");
      }
    }
  }

  /** Its parser shows names that the JDK's refuses, and some applications put it first. */
  @ParameterizedTest
  @EnumSource(Tls.class)
  void t55BouncyCastleInTheFirstPlaceHidesNoSecondName(Tls tls) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty());
        Application app = open(world.db, Door.LISTEN)) {
      String id = "spiffe://" + world.plane.trustDomain() + "/ns/default/dc/dc1/svc/";
      List<LeafSpec> hostile =
          List.of(
              LeafSpec.service("web").uriBytes(bytes(id + "other", 0)),
              LeafSpec.service("web").uriBytes(bytes(id + "other", ' ')),
              LeafSpec.service("web").uriBytes(bytes(id + "other", 0x80)),
              LeafSpec.withoutNames().uriBytes(bytes(id + "web", 0, 'x')),
              LeafSpec.withoutNames().uriBytes(bytes(id + "web", ' ')));
      List<RawPeer> peers = new ArrayList<>();
      for (LeafSpec spec : hostile) {
        peers.add(RawPeer.of(Tls.JSSE.security(), world.plane.caIssue(spec)));
      }
      Provider bouncy = new BouncyCastleProvider();
      Security.insertProviderAt(bouncy, 1);
      try {
        for (RawPeer peer : peers) {
          int bytes = app.bytes();
          assertThatThrownBy(() -> peer.ping(app.port(), "TLSv1.3"))
              .isInstanceOf(IOException.class)
              .isNotInstanceOf(SocketTimeoutException.class);
          assertThat(app.bytes()).isEqualTo(bytes);
        }
        ping(world.web, DB, app.port(), "TLSv1.3");
      } finally {
        Security.removeProvider(bouncy.getName());
      }
    }
  }

  private static byte[] bytes(String text, int... more) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    for (int value : more) {
      out.write(value);
    }
    return out.toByteArray();
  }

  @Test
  @Tag("T55")
  void t16AClientDoesNotStartWhereEverySignatureIsGood() {
    MeshTestAuthority authority = MeshTestAuthority.create();
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "db");
    try (Usurper usurper = Usurper.ofSignatures()) {
      assertThat(usurper.getServices()).isNotEmpty();
      assertThatThrownBy(() -> MeshClient.builder("db").controlPlane(plane).build())
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("CVE-2022-21449");
    }
    MeshClient.builder("db").controlPlane(plane).build().close();
  }
}
