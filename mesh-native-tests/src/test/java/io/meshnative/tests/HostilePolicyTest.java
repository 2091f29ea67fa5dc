package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.testkit.MeshTestAuthority;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** T20, T27, T42: policies as a client meets them, over its whole way in. */
@Timeout(300)
@ExtendWith(Quiet.class)
class HostilePolicyTest {
  private static final String[] SOURCES = {"web", "api", "batch", "other"};

  private final MeshTestAuthority authority = MeshTestAuthority.create();

  private static IntentionUpdate update(DefaultDecision otherwise, List<Intention> rules) {
    return new IntentionUpdate(rules, List.of(), otherwise);
  }

  private MeshClient client(String service, FakeControlPlane plane, TlsKind tls) {
    MeshClient.Builder builder = MeshClient.builder(service).controlPlane(plane);
    tls.provider().ifPresent(builder::tlsProvider);
    return builder.build();
  }

  @Test
  void t20AddingADenyNeverLetsAnybodyInWhoWasNotIn() {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "db");
    Random random = new Random(20);
    try (MeshClient db = MeshClient.builder("db").controlPlane(plane).build()) {
      for (int round = 0; round < 300; round++) {
        DefaultDecision otherwise =
            DefaultDecision.values()[random.nextInt(DefaultDecision.values().length)];
        List<Intention> rules = new ArrayList<>();
        for (String source : new String[] {"web", "api", "*"}) {
          switch (random.nextInt(3)) {
            case 0 -> rules.add(FakeControlPlane.allow(source, "db"));
            case 1 -> rules.add(FakeControlPlane.deny(source, "db"));
            default -> {}
          }
        }
        plane.intentions(update(otherwise, rules));
        List<Boolean> before = decisions(db);
        String denied = SOURCES[random.nextInt(SOURCES.length)];
        rules.removeIf(rule -> rule.source().name().equals(denied)); // one rule a source, as Consul
        rules.add(FakeControlPlane.deny(denied, "db"));
        plane.intentions(update(otherwise, rules));
        List<Boolean> after = decisions(db);
        for (int i = 0; i < SOURCES.length; i++) {
          assertThat(after.get(i) && !before.get(i))
              .as("%s got in by %s, default %s", SOURCES[i], rules, otherwise)
              .isFalse();
        }
        assertThat(db.explain(denied).isAllowed()).isFalse();
      }
    }
  }

  private static List<Boolean> decisions(MeshClient db) {
    List<Boolean> decisions = new ArrayList<>();
    for (String source : SOURCES) {
      decisions.add(db.explain(source).isAllowed());
    }
    return decisions;
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void t27FlappingLeavesTheLastWordAndVersionsOnlyGrow(TlsKind tls) throws Exception {
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    AtomicBoolean over = new AtomicBoolean();
    AtomicReference<String> backwards = new AtomicReference<>();
    try (MeshClient db = client("db", dbPlane, tls);
        MeshClient web = client("web", webPlane, tls);
        Echo echo = new Echo(db.listen(Cast.loopback(), ListenOptions.defaults()))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      var watching =
          Background.run(() -> {
            long last = 0;
            while (!over.get()) {
              long version = db.snapshot().policyVersion();
              if (version < last) {
                backwards.set(last + " then " + version);
              }
              last = version;
            }
          });
      for (int round = 0; round < 6; round++) {
        boolean allowedAtLast = round % 2 == 0;
        for (int flip = 0; flip < 101; flip++) {
          boolean allow = (flip % 2 == 0) == allowedAtLast;
          dbPlane.intentions(
              allow
                  ? update(DefaultDecision.ALLOW, List.of())
                  : update(DefaultDecision.ALLOW, List.of(FakeControlPlane.deny("web", "db"))));
        }
        assertThat(db.explain("web").isAllowed()).isEqualTo(allowedAtLast);
        assertThat(Cast.reaches(web, "db")).isEqualTo(allowedAtLast);
        if (!allowedAtLast) {
          assertThat(db.snapshot().connections()).isEmpty();
        }
      }
      over.set(true);
      watching.get();
      assertThat(backwards.get()).isNull();
    } finally {
      over.set(true);
    }
  }

  /** JSON web tokens are not verified yet: whoever asks for one is not let through without. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Action\":\"allow\",\"Precedence\":9,\"JWT\":{\"Providers\":[{\"Name\":\"okta\"}]}}",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Precedence\":9,\"JWT\":{\"Providers\":[{\"Name\":\"okta\"}]},\"Permissions\":[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]}",
        "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Precedence\":9,\"Permissions\":[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"},\"JWT\":{\"Providers\":[{\"Name\":\"okta\"}]}}]}",
      })
  void t42ARuleThatAsksForATokenDeniesWithThatReason(String rule) throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      MeshClient db = cast.registered("db");
      MeshClient web = cast.lawless("web");
      cast.echo(db);
      Cast.awaitEndpoint(web, "db");
      Cast.awaitReaches(web, "db", true);
      plane.plane().rawIntention("db", rule);
      Cast.await("the rule is held", () -> !db.explain("web").isAllowed());
      io.meshnative.intention.HttpRequestView request =
          io.meshnative.intention.HttpRequestView.of(
              "GET",
              "/",
              List.of("db"),
              java.util.Map.of("authorization", List.of("Bearer eyJhbGciOiJub25lIn0.e30.")));
      assertThat(db.explain("web", request))
          .isInstanceOfSatisfying(
              Decision.Denied.class, denied -> assertThat(denied.reason()).contains("JWT"));
      assertThat(Cast.reaches(web, "db")).isFalse();
    }
  }
}
