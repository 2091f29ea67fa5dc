package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.counts;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A dial that fails because of an old session is tried once more without one, and a dial that fails
 * for any other reason is not.
 */
@Timeout(120)
class StaleSessionTest {
  private static final Destination DB = Destination.parse("db");
  private static final Duration LEAF_LIFE = Duration.ofMinutes(5);

  /** Past the leaf's end, and short of the end of the server's tickets. */
  private static final Duration PAST_LEAF = Duration.ofMinutes(6);

  /** A client that resumes, and a server that issues sessions, behind a gate. */
  private static final class Pair implements AutoCloseable {
    final MeshTestAuthority authority = MeshTestAuthority.create();
    final FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
    final TestClock clock = new TestClock();
    final RawPeer db;
    final Application app;
    final Gatekeeper gate;
    final MeshClient web;
    final boolean toEndpoint;

    Pair(Tls ours, Tls raw, boolean toEndpoint) throws Exception {
      this.toEndpoint = toEndpoint;
      db = RawPeer.of(raw.security(), shortLived("db"));
      app = TlsWorld.open(db, 0, raw);
      gate = new Gatekeeper(app.port());
      web =
          MeshClient.builder("web")
              .controlPlane(plane)
              .tlsProvider(ours.provider())
              .sessionResumption(true)
              .clock(clock)
              .build();
      plane.endpoints("db", endpoint());
      web.awaitReady(Duration.ofSeconds(60));
    }

    Endpoint endpoint() {
      return FakeControlPlane.endpoint(authority, "db", gate.port());
    }

    IssuedCertificate shortLived(String service) {
      Instant now = Instant.now();
      return authority.issue(
          LeafSpec.service(service)
              .validity(now.minus(Duration.ofMinutes(1)), now.plus(LEAF_LIFE)));
    }

    void ping() throws IOException {
      DialOptions options =
          toEndpoint ? DialOptions.defaults().withEndpoint(endpoint()) : DialOptions.defaults();
      try (SSLSocket socket = web.dial(DB, options)) {
        Echo.ping(socket);
      }
    }

    /** One full handshake and one that resumes. */
    Pair warm() throws IOException {
      ping();
      ping();
      counts(web, 1, 1);
      assertThat(gate.connections()).isEqualTo(2);
      return this;
    }

    @Override
    public void close() throws Exception {
      web.close();
      gate.close();
      app.close();
    }
  }

  static Stream<Arguments> pairs() {
    return Stream.of(Tls.values())
        .flatMap(ours ->
            Stream.of(Tls.values())
                .flatMap(raw ->
                    Stream.of(true, false).map(toEndpoint -> Arguments.of(ours, raw, toEndpoint))));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aServerThatHasRenewedItsLeafIsReachedThoughItResumesSessionsOfTheOldOne(
      Tls ours, Tls raw, boolean toEndpoint) throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint).warm()) {
      int checks = pair.db.fullHandshakes();
      pair.db.present(pair.authority.issue(LeafSpec.service("db")));
      pair.clock.advance(PAST_LEAF);

      pair.ping();

      // The resumed one and the full one; a JSSE server of newer JDKs does not resume a session of
      // a certificate that it presents no more, and one full handshake is all there is.
      boolean mayDecline = raw == Tls.JSSE && Runtime.version().feature() > 17;
      assertThat(pair.gate.connections()).isBetween(mayDecline ? 3 : 4, 4);
      assertThat(pair.db.fullHandshakes()).isEqualTo(checks + 1);
      counts(pair.web, 2, 1);
      pair.ping();
      counts(pair.web, 2, 2);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aServerWhoseLeafHasEndedIsRefusedByTheFullHandshakeTooAndNotTriedAThirdTime(
      Tls ours, Tls raw, boolean toEndpoint) throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint).warm()) {
      pair.clock.advance(PAST_LEAF);

      assertThatThrownBy(pair::ping)
          .isInstanceOf(MeshException.class)
          .hasMessageContaining("/svc/db");

      assertThat(pair.gate.connections()).isEqualTo(4);
      assertThat(pair.app.bytes()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aServerThatRefusesTheSessionOutrightIsAskedOnceMoreWithoutOne(
      Tls ours, Tls raw, boolean toEndpoint) throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint).warm()) {
      pair.gate.refuse(1);
      pair.ping();
      assertThat(pair.gate.connections()).isEqualTo(4);
      counts(pair.web, 2, 1);

      pair.gate.refuse(2);
      assertThatThrownBy(pair::ping).isInstanceOf(IOException.class);
      assertThat(pair.gate.connections()).as("twice and no more").isEqualTo(6);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aServerThatRefusesAHelloWithoutSessionIsAskedOnce(Tls ours, Tls raw, boolean toEndpoint)
      throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint)) {
      pair.gate.refuse(1);
      assertThatThrownBy(pair::ping)
          .isInstanceOf(NoEndpointException.class)
          .hasMessageContaining("handshake_failure");
      assertThat(pair.gate.connections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void anotherServiceIsAskedOnce(Tls ours, Tls raw, boolean toEndpoint) throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint)) {
      pair.db.present(pair.authority.issue(LeafSpec.service("other")));
      assertThatThrownBy(pair::ping)
          .isInstanceOf(PeerIdentityException.class)
          .hasMessageContaining("/svc/other");
      assertThat(pair.gate.connections()).isEqualTo(1);
    }
  }

  /** A client whose policy denies the server does not even connect, be the session as it may. */
  @ParameterizedTest
  @MethodSource("pairs")
  void aServerThatMayNotBeCalledIsNotAskedAgain(Tls ours, Tls raw, boolean toEndpoint)
      throws Exception {
    try (Pair pair = new Pair(ours, raw, toEndpoint).warm()) {
      pair.plane.intentions(
          FakeControlPlane.update(
              io.meshnative.intention.DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
      pair.clock.advance(PAST_LEAF);
      assertThatThrownBy(pair::ping).isInstanceOf(io.meshnative.MeshAuthorizationException.class);
      assertThat(pair.gate.connections()).isEqualTo(2);
    }
  }
}
