package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.API;
import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.await;
import static io.meshnative.tests.TlsWorld.counts;
import static io.meshnative.tests.TlsWorld.lastDenial;
import static io.meshnative.tests.TlsWorld.open;
import static io.meshnative.tests.TlsWorld.ping;
import static io.meshnative.tests.TlsWorld.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Door;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.security.Provider;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * T10, T11: a TLS session resumed after the right was withdrawn. Each cell first shows that
 * resumption really happens where nothing changed, then changes one thing, and then nothing gets
 * through. Cells where the raw peer's handshake counter stands still were resumed by TLS itself:
 * there only the check after the handshake stood in the way.
 */
@Tag("T10")
@Tag("T11")
class ResumptionMatrixTest {
  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};
  private static final Duration LEAF_LIFE = Duration.ofMinutes(5);

  /**
   * Past the leaf's end, and short of the ten minutes after which the server's tickets end by
   * themselves.
   */
  private static final Duration PAST_LEAF = Duration.ofMinutes(6);

  static Stream<Arguments> doors() {
    return cells()
        .flatMap(
            c -> Stream.of(Door.values()).map(door -> Arguments.of(c.get()[0], c.get()[1], door)));
  }

  static Stream<Arguments> rawServers() {
    return cells()
        .flatMap(
            c -> Stream.of(Tls.values()).map(raw -> Arguments.of(c.get()[0], c.get()[1], raw)));
  }

  static Stream<Arguments> ours() {
    return cells()
        .flatMap(c ->
            Stream.of(Optional.of(true), Optional.<Boolean>empty())
                .map(on -> Arguments.of(c.get()[0], c.get()[1], on)));
  }

  static Stream<Arguments> cells() {
    return Stream.of(Tls.values())
        .flatMap(tls -> Stream.of(VERSIONS).map(version -> Arguments.of(tls, version)));
  }

  private static Provider jsse() {
    return Tls.JSSE.security();
  }

  private static IssuedCertificate shortLived(TlsWorld world, String service) {
    Instant now = Instant.now();
    return world.plane.caIssue(
        LeafSpec.service(service).validity(now.minus(Duration.ofMinutes(1)), now.plus(LEAF_LIFE)));
  }

  // ---- a raw client against our server: the listener, and bare engines of serverContext() ----

  /** One full handshake, one resumed; each with a byte there and back. */
  private static void resumes(MeshClient server, RawPeer caller, Application app, String version)
      throws IOException {
    long full = server.snapshot().fullHandshakes();
    long resumed = server.snapshot().resumedHandshakes();
    int checks = caller.fullHandshakes();
    int bytes = app.bytes();
    caller.ping(app.port(), version);
    counts(server, full + 1, resumed);
    caller.ping(app.port(), version);
    counts(server, full + 1, resumed + 1);
    assertThat(caller.fullHandshakes()).isEqualTo(checks + 1);
    assertThat(app.bytes()).isEqualTo(bytes + 2);
  }

  @ParameterizedTest
  @MethodSource("doors")
  void aRawClientThatResumesAfterADenyGetsNothingThrough(Tls tls, String version, Door door)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true));
        Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(jsse(), world.plane.caIssue("web"));
      resumes(world.db, web, app, version);
      int checks = web.fullHandshakes();
      world.deny("web", "db", world.db);

      refused(world.db, app, () -> web.ping(app.port(), version));

      assertThat(web.fullHandshakes()).as("TLS itself resumed").isEqualTo(checks);
      assertThat(lastDenial(world.db)).contains("intention");
      counts(world.db, 1, 1);
      int before = app.bytes();
      world.undeny("web", "db", world.db);
      web.ping(app.port(), version);
      assertThat(app.bytes()).as("only the byte sent under the allow").isEqualTo(before + 1);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void aRawClientOfARemovedRootGetsNothingThroughWithItsSession(Tls tls, String version, Door door)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true));
        Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(jsse(), world.plane.caIssue("web"));
      resumes(world.db, web, app, version);
      world.rotate();
      resumes(world.db, web, app, version); // the old root is still trusted, in an epoch of its own
      int checks = web.fullHandshakes();
      world.removeOldRoots();

      refused(world.db, app, () -> web.ping(app.port(), version));

      assertThat(web.fullHandshakes()).as("its session died with the epoch").isEqualTo(checks + 1);
      counts(world.db, 2, 2);
      RawPeer renewed = RawPeer.of(jsse(), world.plane.caIssue("web"));
      resumes(world.db, renewed, app, version);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void aRawClientWhoseLeafHasExpiredGetsNothingThroughWithItsSession(
      Tls tls, String version, Door door) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true));
        Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(jsse(), shortLived(world, "web"));
      resumes(world.db, web, app, version);
      int checks = web.fullHandshakes();
      world.dbClock.advance(PAST_LEAF);

      refused(world.db, app, () -> web.ping(app.port(), version));

      assertThat(web.fullHandshakes()).as("TLS itself resumed").isEqualTo(checks);
      assertThat(lastDenial(world.db)).contains("valid at");
      counts(world.db, 1, 1);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void aSessionOfOneServiceOpensNoOtherOnTheSamePort(Tls tls, String version, Door door)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true));
        MeshClient api = world.client("api", new TestClock())) {
      RawPeer web = RawPeer.of(jsse(), world.plane.caIssue("web"));
      int port = Ports.reserve();
      try (Application app = open(world.db, door, port)) {
        resumes(world.db, web, app, version);
      }
      int checks = web.fullHandshakes();
      world.deny("web", "api", api);
      try (Application app = open(api, door, port)) {

        refused(api, app, () -> web.ping(port, version));

        assertThat(web.fullHandshakes()).as("api knows no session of db").isEqualTo(checks + 1);
        counts(api, 0, 0);
        world.undeny("web", "api", api);
        web.ping(port, version);
        counts(api, 1, 0);
        assertThat(app.bytes()).isEqualTo(1);
      }
    }
  }

  // ---- our client against our listener ----

  private static void resumesAsSet(
      TlsWorld world, Tls tls, Optional<Boolean> on, Application app, String version)
      throws IOException {
    ping(world.web, DB, app.port(), version);
    ping(world.web, DB, app.port(), version);
    boolean resumes = on.orElse(tls == Tls.JSSE);
    counts(world.web, resumes ? 1 : 2, resumes ? 1 : 0);
    counts(world.db, resumes ? 1 : 2, resumes ? 1 : 0);
    assertThat(app.bytes()).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource("ours")
  void ourClientGetsNothingThroughAfterADeny(Tls tls, String version, Optional<Boolean> on)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, on);
        Application app = open(world.db, Door.LISTEN)) {
      resumesAsSet(world, tls, on, app, version);
      long webs = world.web.snapshot().policyVersion();
      world.deny("web", "db", world.db);
      await(() -> world.web.snapshot().policyVersion() > webs);
      assertThatThrownBy(() -> ping(world.web, DB, app.port(), version))
          .isInstanceOf(MeshAuthorizationException.class);
      assertThat(app.bytes()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("ours")
  void ourClientsFirstHandshakeUnderNewRootsIsFullAtBothEnds(
      Tls tls, String version, Optional<Boolean> on) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, on);
        Application app = open(world.db, Door.LISTEN)) {
      resumesAsSet(world, tls, on, app, version);
      long full = world.web.snapshot().fullHandshakes();
      long resumed = world.web.snapshot().resumedHandshakes();
      world.rotate();
      world.removeOldRoots();
      ping(world.web, DB, app.port(), version);
      counts(world.web, full + 1, resumed);
      counts(world.db, full + 1, resumed);
    }
  }

  @ParameterizedTest
  @MethodSource("ours")
  void nothingGetsThroughUnderAnExpiredIdentityOfOurOwn(
      Tls tls, String version, Optional<Boolean> on) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, on);
        Application app = open(world.db, Door.LISTEN)) {
      resumesAsSet(world, tls, on, app, version);
      world.dbClock.advance(
          Duration.ofHours(73)); // the plane's own clock stands, so it renews nothing
      refused(world.db, app, () -> ping(world.web, DB, app.port(), version));
      world.webClock.advance(Duration.ofHours(73));
      assertThatThrownBy(() -> ping(world.web, DB, app.port(), version))
          .isInstanceOf(IdentityExpiredException.class);
      assertThat(app.bytes()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("ours")
  void ourClientRefusesAnotherDestinationOnTheSamePortAndOffersItNoSession(
      Tls tls, String version, Optional<Boolean> on) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, on);
        Application app = open(world.db, Door.LISTEN)) {
      resumesAsSet(world, tls, on, app, version);
      long full = world.web.snapshot().fullHandshakes();
      long resumed = world.web.snapshot().resumedHandshakes();
      refused(world.web, app, () -> ping(world.web, API, app.port(), version));
      assertThat(lastDenial(world.web)).contains("/svc/api").contains("/svc/db");
      counts(world.web, full, resumed);
      world.plane.register("api", "api-1", "127.0.0.1", app.port());
      assertThatThrownBy(() -> world.web.dial("api")).isInstanceOf(PeerIdentityException.class);
      assertThat(app.bytes()).isEqualTo(2);
    }
  }

  // ---- our client against servers that are not ours, which issue sessions and tickets ----

  private static void resumes(TlsWorld world, Application app, String version) throws IOException {
    long full = world.web.snapshot().fullHandshakes();
    long resumed = world.web.snapshot().resumedHandshakes();
    ping(world.web, DB, app.port(), version);
    counts(world.web, full + 1, resumed);
    ping(world.web, DB, app.port(), version);
    counts(world.web, full + 1, resumed + 1);
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void ourClientCallsNoRawServerThatItMayNotCallAnyMore(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true))) {
      RawPeer db = RawPeer.of(rawTls.security(), world.plane.caIssue("db"));
      try (Application app = open(db, 0, rawTls)) {
        resumes(world, app, version);
        long policy = world.web.snapshot().policyVersion();
        world.plane.deny("web", "db");
        await(() -> world.web.snapshot().policyVersion() > policy);
        assertThatThrownBy(() -> ping(world.web, DB, app.port(), version))
            .isInstanceOf(MeshAuthorizationException.class);
        counts(world.web, 1, 1);
        assertThat(app.bytes()).isEqualTo(2);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void aRawServerOfARemovedRootIsRefusedThoughItKnowsTheSession(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true))) {
      RawPeer db = RawPeer.of(rawTls.security(), world.plane.caIssue("db"));
      try (Application app = open(db, 0, rawTls)) {
        resumes(world, app, version);
        world.rotate();
        resumes(world, app, version);
        world.removeOldRoots();
        refused(world.web, app, () -> ping(world.web, DB, app.port(), version));
        counts(world.web, 2, 2);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void aRawServerWhoseLeafHasExpiredIsRefusedWhenItResumes(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true))) {
      RawPeer db = RawPeer.of(rawTls.security(), shortLived(world, "db"));
      try (Application app = open(db, 0, rawTls)) {
        resumes(world, app, version);
        int checks = db.fullHandshakes();
        world.webClock.advance(PAST_LEAF);
        refused(world.web, app, () -> ping(world.web, DB, app.port(), version));
        assertThat(lastDenial(world.web)).contains("valid at");
        assertThat(db.fullHandshakes()).as("TLS itself resumed").isEqualTo(checks);
        counts(world.web, 1, 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void aRawServerIsOfferedNoSessionForAnotherDestination(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true))) {
      RawPeer db = RawPeer.of(rawTls.security(), world.plane.caIssue("db"));
      try (Application app = open(db, 0, rawTls)) {
        resumes(world, app, version);
        refused(world.web, app, () -> ping(world.web, API, app.port(), version));
        assertThat(lastDenial(world.web)).contains("/svc/api").contains("/svc/db");
        db.present(
            world.plane.caIssue(
                "api")); // one context for both services, with one set of ticket keys
        ping(world.web, API, app.port(), version);
        counts(world.web, 2, 1);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void aRawServerThatIsAnotherServiceNowIsRefused(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(true))) {
      RawPeer db = RawPeer.of(rawTls.security(), world.plane.caIssue("db"));
      int port = Ports.reserve();
      try (Application app = open(db, port, rawTls)) {
        resumes(world, app, version);
      }
      RawPeer api = RawPeer.of(rawTls.security(), world.plane.caIssue("api"));
      try (Application app = open(api, port, rawTls)) {
        refused(world.web, app, () -> ping(world.web, DB, port, version));
        counts(world.web, 1, 1);
        assertThat(app.bytes()).isZero();
      }
    }
  }

  // ---- resumption off ----

  @ParameterizedTest
  @MethodSource("cells")
  void withResumptionOffEveryHandshakeOfOursIsFullAtBothEnds(Tls tls, String version)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(false));
        Application app = open(world.db, Door.LISTEN)) {
      for (int i = 1; i <= 3; i++) {
        ping(world.web, DB, app.port(), version);
        counts(world.web, i, 0);
        counts(world.db, i, 0);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void withResumptionOffARawClientGetsNothingToResume(Tls tls, String version, Door door)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(false));
        Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(jsse(), world.plane.caIssue("web"));
      for (int i = 1; i <= 3; i++) {
        web.ping(app.port(), version);
        counts(world.db, i, 0);
        assertThat(web.fullHandshakes()).isEqualTo(i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("rawServers")
  void withResumptionOffOurClientOffersNoSessionToARawServer(Tls tls, String version, Tls rawTls)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.of(false))) {
      RawPeer db = RawPeer.of(rawTls.security(), world.plane.caIssue("db"));
      try (Application app = open(db, 0, rawTls)) {
        for (int i = 1; i <= 3; i++) {
          ping(world.web, DB, app.port(), version);
          counts(world.web, i, 0);
          assertThat(db.fullHandshakes()).isEqualTo(i);
        }
      }
    }
  }
}
