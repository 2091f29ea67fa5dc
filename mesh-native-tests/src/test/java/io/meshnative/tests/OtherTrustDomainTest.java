package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerAuthorizer;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.spi.TrustUpdate;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.security.Provider;
import java.security.Security;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A source of trust that holds the roots of a second domain. Its services prove who they are; but
 * an intention names services of the own domain, and one of the same name there is another service.
 */
@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"Conscrypt", "JSSE"})
@Timeout(120)
class OtherTrustDomainTest {
  private static final Provider JSSE = Security.getProvider("SunJSSE");

  @Parameter String provider;

  private final MeshTestAuthority own = MeshTestAuthority.create();
  private final MeshTestAuthority other =
      MeshTestAuthority.create(
          "99999999-8888-7777-6666-555555555555.consul", KeyType.EC_P256, Clock.systemUTC());
  private final RawPeer web = RawPeer.of(JSSE, own.issue(LeafSpec.service("web")));
  private final RawPeer stranger = RawPeer.of(JSSE, other.issue(LeafSpec.service("web")));
  private MeshClient db;

  @BeforeEach
  void start() throws Exception {
    FakeControlPlane plane = FakeControlPlane.allowingAll(own, "db");
    plane
        .trustFeed()
        .push(
            new TrustUpdate(
                TrustDomain.of(own.trustDomain()), List.of(bundle(own), bundle(other))));
    plane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.allow("web", "db")));
    db = Engines.builder("db", provider).controlPlane(plane).build();
  }

  @AfterEach
  void stop() {
    db.close();
  }

  private static TrustBundle bundle(MeshTestAuthority authority) throws Exception {
    return TrustBundle.of(TrustDomain.of(authority.trustDomain()), List.of(authority.root()));
  }

  @ParameterizedTest
  @EnumSource(TlsWorld.Door.class)
  void T05_aServiceOfAnotherDomainIsNotTheOneThatAnIntentionNames(TlsWorld.Door door)
      throws Exception {
    try (TlsWorld.Application application = TlsWorld.open(db, door)) {
      web.ping(application.port());

      TlsWorld.refused(db, application, () -> stranger.ping(application.port()));

      assertThat(TlsWorld.lastDenial(db))
          .contains(
              "of the trust domain " + other.trustDomain(),
              "intentions are about callers of " + own.trustDomain());
    }
  }

  @Test
  void T05_whereAnybodyMayConnectItsRequestsAreDeniedAllTheSame() throws Exception {
    HttpRequestView request = HttpRequestView.of("GET", "/", List.of("db"), Map.of());
    try (MeshServerSocket server =
            db.listen(
                new InetSocketAddress("127.0.0.1", 0),
                ListenOptions.defaults().withAuthorizer(PeerAuthorizer.anyAuthenticatedPeer()));
        SSLSocket calling = stranger.connect(server.getLocalPort())) {
      var shaking =
          Background.run(() -> {
            try {
              calling.startHandshake();
            } catch (java.io.IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      try (SSLSocket accepted = (SSLSocket) server.accept()) {
        shaking.get(60, TimeUnit.SECONDS);
        MeshPeer peer = db.peer(accepted.getSession());

        assertThat(peer.id().trustDomain()).isEqualTo(TrustDomain.of(other.trustDomain()));
        assertThat(((Decision.Denied) peer.decision()).cause()).isEqualTo(Decision.Cause.IDENTITY);
        assertThatThrownBy(() -> db.admit(peer, request, denied -> {}))
            .isInstanceOfSatisfying(
                MeshAuthorizationException.class,
                e -> {
                  assertThat(e.decision().cause()).isEqualTo(Decision.Cause.IDENTITY);
                  assertThat(e.decision().request()).containsSame(request);
                });
      }
    }
  }
}
