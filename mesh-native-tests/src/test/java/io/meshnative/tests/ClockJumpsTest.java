package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.StalePolicy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Somebody sets the clock, forward and back, while services talk. Forward past the end of the
 * certificates denies everything, with the reason; back gives nobody a right that he has not.
 */
@ExtendWith(Quiet.class)
@Timeout(180)
class ClockJumpsTest {
  private static final Duration BEYOND_ALL_LEAVES = Duration.ofDays(4);

  private final EmbeddedPlane plane = EmbeddedPlane.start(false);
  private final Cast cast = new Cast(plane);
  private final TestClock dbClock = new TestClock();
  private final TestClock webClock = new TestClock();
  private final List<MeshEvent> told = new CopyOnWriteArrayList<>();
  private MeshClient db;
  private MeshClient web;

  @BeforeEach
  void start() throws Exception {
    plane.allow("web", "db").deny("evil", "db");
    db =
        cast.ready(
            cast.builder("db")
                .register(Cast.ofListener().withoutChecks())
                .stalePolicy(StalePolicy.denyAfter(Duration.ofMinutes(10)))
                .clock(dbClock)
                .listener(told::add));
    web = cast.ready(cast.builder("web").clock(webClock));
  }

  @AfterEach
  void stop() throws Exception {
    cast.close();
    plane.close();
  }

  private static void assertCut(SSLSocket socket) throws IOException {
    socket.setSoTimeout((int) Cast.GUARD.toMillis());
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(java.net.SocketTimeoutException.class);
  }

  @Test
  void forwardPastTheCertificatesDeniesWithTheReasonAndBackLetsOnlyTheAllowedIn() throws Exception {
    MeshClient evil = cast.lawless("evil");
    SteadyTraffic traffic = cast.keep(SteadyTraffic.start(web, evil, db));
    SSLSocket open = cast.keep(web.dial("db"));
    told.clear();

    dbClock.advance(BEYOND_ALL_LEAVES);
    Cast.await("db's identity has ended", () -> db.state() == MeshState.EXPIRED);
    assertCut(open);
    Cast.await(
        "it is told why", () -> told.stream().anyMatch(MeshEvent.StateChanged.class::isInstance));
    assertThat(told)
        .filteredOn(MeshEvent.StateChanged.class::isInstance)
        .singleElement()
        .satisfies(event ->
            assertThat(((MeshEvent.StateChanged) event).reason())
                .contains("the identity " + db.identity().id() + " ended at "));
    Cast.await(
        "it is told that a connection was cut",
        () -> told.stream().anyMatch(MeshEvent.Withdrawn.class::isInstance));
    assertThat(told)
        .filteredOn(MeshEvent.Withdrawn.class::isInstance)
        .anySatisfy(event ->
            assertThat(((MeshEvent.Withdrawn) event).reason())
                .contains("the certificates of the connection with"));
    assertThatThrownBy(() -> db.dial("web"))
        .isInstanceOf(IdentityExpiredException.class)
        .hasMessageContaining("expected a live identity")
        .hasMessageContaining("ended at");
    long dialled = traffic.dialled();
    Cast.await("new connections are refused", () -> !traffic.takeFailures().isEmpty());
    traffic.assertNobodyIntruded();

    dbClock.advance(BEYOND_ALL_LEAVES.negated());
    Cast.await("db serves again", () -> db.state() == MeshState.READY);
    Cast.await("and is dialled", () -> traffic.dialled() > dialled + 5);
    assertThat(open.isClosed()).isTrue();
    assertThat(db.explain("evil").isAllowed()).isFalse();
    traffic.assertNobodyIntruded();
  }

  @Test
  void aCallerWhoseClockRunsAheadDeniesItselfAndNobodyElse() throws Exception {
    Echo echo = cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    Cast.awaitReaches(web, "db", true);
    int heard = echo.bytes();
    webClock.advance(BEYOND_ALL_LEAVES);
    assertThatThrownBy(() -> web.dial("db")).isInstanceOf(IdentityExpiredException.class);
    assertThat(echo.bytes()).isEqualTo(heard);
    assertThat(db.state()).isEqualTo(MeshState.READY);
    webClock.advance(BEYOND_ALL_LEAVES.negated());
    Cast.awaitReaches(web, "db", true);
  }

  /** Before the certificates begin, nobody is let in either; and a denial stays one. */
  @Test
  void backBeforeTheCertificatesBeginDeniesToo() throws Exception {
    MeshClient lawless = cast.lawless("web");
    cast.echo(db);
    Cast.awaitEndpoint(lawless, "db");
    Cast.awaitReaches(lawless, "db", true);
    dbClock.advance(Duration.ofDays(-30));
    Cast.awaitReaches(lawless, "db", false);
    Cast.await("db says that it serves nobody", () -> db.state() == MeshState.EXPIRED);
    Cast.await(
        "it is told why", () -> told.stream().anyMatch(MeshEvent.StateChanged.class::isInstance));
    assertThat(told)
        .filteredOn(MeshEvent.StateChanged.class::isInstance)
        .anySatisfy(event ->
            assertThat(((MeshEvent.StateChanged) event).reason())
                .contains("begins only at")
                .contains("the clock has been set back"));
    assertThat(db.explain("evil").isAllowed()).isFalse();
    dbClock.advance(Duration.ofDays(30));
    Cast.await("db serves again", () -> db.state() == MeshState.READY);
    Cast.awaitReaches(lawless, "db", true);
  }

  /** What is too old stays so, though a clock that was set back says otherwise. */
  @Test
  void aStalePolicyThatHasEndedIsNotRevivedByTheClock() throws Exception {
    MeshClient lawless = cast.lawless("web");
    cast.echo(db);
    Cast.awaitEndpoint(lawless, "db");
    Cast.awaitReaches(lawless, "db", true);
    plane.plane().faults().down();
    Cast.await("db is stale", () -> db.state() == MeshState.STALE);
    dbClock.advance(Duration.ofMinutes(11));
    Cast.await("its policy has ended", () -> db.state() == MeshState.EXPIRED);
    told.clear();
    dbClock.advance(Duration.ofHours(-2));
    assertThat(Cast.reaches(lawless, "db")).isFalse();
    assertThat(db.explain("web").reason()).contains("stale policy");
    assertThat(db.state()).isEqualTo(MeshState.EXPIRED);
    dbClock.advance(Duration.ofHours(2).minusMinutes(11)); // the right time
    assertThat(Cast.reaches(lawless, "db")).isFalse();
    assertThat(db.state()).isEqualTo(MeshState.EXPIRED);
    plane.plane().faults().up();
    Cast.await("db is ready", () -> db.state() == MeshState.READY);
    Cast.awaitReaches(lawless, "db", true);
  }

  /**
   * A machine whose clock is set back again and again would else serve its last policy for ever.
   */
  @Test
  void aStalePolicyEndsThoughTheClockIsSetBack() throws Exception {
    TestClock clock = new TestClock();
    clock.advance(Duration.ofDays(1)); // so that its certificate lives before and after
    MeshClient api =
        cast.ready(
            cast.builder("api")
                .stalePolicy(StalePolicy.denyAfter(Duration.ofMillis(500)))
                .clock(clock));
    plane.plane().faults().down();
    Cast.await("api has noticed", () -> api.state() != MeshState.READY);
    clock.advance(Duration.ofHours(-1));
    Cast.await("its policy has ended", () -> api.state() == MeshState.EXPIRED);
    assertThat(api.explain("web").reason()).contains("stale policy");
  }
}
