package io.meshnative.internal.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EnrolmentTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);

  private final List<String> calls = new CopyOnWriteArrayList<>();
  private final List<String> threads = new CopyOnWriteArrayList<>();
  private final List<MeshEvent> events = new CopyOnWriteArrayList<>();
  private final Workers workers = new Workers("enrolled", null, null);
  private volatile MeshState state = MeshState.READY;
  private volatile int failing;
  private volatile boolean hides = true;
  private volatile Duration every = Duration.ofHours(1);

  private final Enrolment enrolment =
      new Enrolment(
          new Registrar() {
            @Override
            public void register(Registration registration) throws IOException {
              call("register " + registration.port());
            }

            @Override
            public Duration keepAlive(Check.Status status, String note) throws IOException {
              call("report " + status);
              return every;
            }

            @Override
            public boolean maintenance(boolean on, String reason) throws IOException {
              call("maintenance " + on);
              return hides;
            }

            @Override
            public void deregister() throws IOException {
              call("deregister");
            }

            private void call(String what) throws IOException {
              threads.add(Thread.currentThread().getName());
              if (failing > 0) {
                failing--;
                throw new IOException("no");
              }
              calls.add(what);
            }
          },
          Registration.ofListener(),
          workers,
          Clock.systemUTC(),
          events::add,
          () -> state);

  @AfterEach
  void close() {
    workers.close();
  }

  private void awaitCalls(String... expected) {
    await().atMost(GENEROUS).until(() -> calls.equals(List.of(expected)));
  }

  @Test
  void itIsRegisteredWhenReadyAndListeningAndReportedThereafterOffTheTimersThread() {
    every = Duration.ofMillis(10);
    enrolment.ready();
    assertThat(calls).isEmpty();
    enrolment.listening(7);
    await().atMost(GENEROUS).until(() -> calls.size() > 4);
    assertThat(calls.get(0)).isEqualTo("register 7");
    assertThat(calls.subList(1, 4)).containsOnly("report PASSING");
    assertThat(threads).noneMatch(name -> name.contains("timer"));
  }

  @Test
  void aChangeOfStateIsReportedAtOnce() {
    enrolment.listening(7);
    enrolment.ready();
    awaitCalls("register 7", "report PASSING");
    state = MeshState.STALE;
    enrolment.stateChanged();
    awaitCalls("register 7", "report PASSING", "report PASSING");
    state = MeshState.EXPIRED;
    enrolment.stateChanged();
    awaitCalls("register 7", "report PASSING", "report PASSING", "report CRITICAL");
  }

  @Test
  void aFailureIsToldOnceAndTriedAgainUntilItPasses() {
    failing = 3;
    enrolment.listening(7);
    enrolment.ready();
    awaitCalls("register 7", "report PASSING");
    await().atMost(GENEROUS).until(() -> events.size() == 2);
    assertThat(events.get(0)).isInstanceOf(MeshEvent.ControlPlaneFailed.class);
    assertThat(events.get(1)).isInstanceOf(MeshEvent.ControlPlaneRecovered.class);
  }

  @Test
  void itIsHiddenBeforeItEndsAndTakenOutOnce() {
    enrolment.listening(7);
    assertThat(enrolment.hide()).isFalse();
    enrolment.ready();
    awaitCalls("register 7", "report PASSING");
    assertThat(enrolment.hide()).isTrue();
    enrolment.end();
    enrolment.end();
    enrolment.stateChanged();
    awaitCalls("register 7", "report PASSING", "maintenance true", "deregister");
  }

  @Test
  void whereThereIsNoMaintenanceModeHidingTakesItOut() {
    hides = false;
    enrolment.listening(7);
    enrolment.ready();
    awaitCalls("register 7", "report PASSING");
    assertThat(enrolment.hide()).isTrue();
    enrolment.end();
    awaitCalls("register 7", "report PASSING", "maintenance true", "deregister");
  }

  @Test
  void theApplicationSaysHowItIs() {
    enrolment.listening(7);
    enrolment.report(Check.Status.WARNING, "cold");
    enrolment.ready();
    awaitCalls("register 7", "report WARNING");
    enrolment.report(Check.Status.WARNING, "cold"); // nothing new
    enrolment.report(Check.Status.CRITICAL, "gone");
    awaitCalls("register 7", "report WARNING", "report CRITICAL");
  }

  @Test
  void ofTheApplicationAndTheClientTheWorseCounts() {
    state = MeshState.EXPIRED;
    enrolment.listening(7);
    enrolment.report(Check.Status.WARNING, "cold");
    enrolment.ready();
    awaitCalls("register 7", "report CRITICAL");
  }
}
