package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.testkit.MeshTestAuthority;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A caller on a mesh whose default is to deny, which does not know what its destinations say of it:
 * its token may not read that, or the answer has not come yet. They decide.
 */
@ExtendWith(Quiet.class)
@Timeout(120)
class UnknownOutboundPolicyTest {
  private static final IntentionUpdate UNKNOWN =
      new IntentionUpdate(List.of(), List.of(), false, DefaultDecision.DENY);

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private MeshClient web;
  private MeshClient db;
  private Echo echo;

  @BeforeEach
  void start() throws Exception {
    web = MeshClient.builder("web").controlPlane(webPlane.intentions(UNKNOWN)).build();
    db = MeshClient.builder("db").controlPlane(dbPlane).build();
    echo = new Echo(db.listen(Cast.loopback(), ListenOptions.defaults()));
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
  }

  @AfterEach
  void stop() throws Exception {
    echo.close();
    web.close();
    db.close();
  }

  @Test
  void itDialsAndTheDestinationDecides() throws Exception {
    assertThat(Cast.reaches(web, "db")).isTrue();
    dbPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
    assertThat(Cast.reaches(web, "db")).isFalse();
  }

  @Test
  void whatItKnowsNothingOfAnyMoreCutsNoConnection() throws Exception {
    webPlane.intentions(
        FakeControlPlane.update(DefaultDecision.DENY, FakeControlPlane.allow("web", "db")));
    try (SSLSocket open = web.dial("db")) {
      webPlane.intentions(UNKNOWN);
      Echo.ping(open);
    }
  }

  @Test
  void onceItKnowsThatNothingAllowsItItSavesTheDial() {
    webPlane.intentions(FakeControlPlane.update(DefaultDecision.DENY, new Intention[0]));
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("the default is deny");
    assertThat(echo.accepted()).isZero();
  }

  @Test
  void aDenialThatItHasReadCountsThoughTheRestIsUnknown() {
    webPlane.intentions(
        new IntentionUpdate(
            List.of(), List.of(FakeControlPlane.deny("web", "db")), false, DefaultDecision.DENY));
    assertThatThrownBy(() -> web.dial("db")).isInstanceOf(MeshAuthorizationException.class);
  }
}
