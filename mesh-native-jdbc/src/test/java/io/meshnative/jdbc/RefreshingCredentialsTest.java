package io.meshnative.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** By a clock and a scheduler of the test's own: nothing waits. */
class RefreshingCredentialsTest {
  private static final Instant START = Instant.parse("2026-11-21T09:00:00Z");

  private Instant now = START;
  private final List<Duration> planned = new ArrayList<>();
  private final Source source = new Source();
  private final ScheduledThreadPoolExecutor scheduler =
      new ScheduledThreadPoolExecutor(1) {
        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
          planned.add(Duration.ofMillis(unit.toMillis(delay)));
          return super.schedule(() -> {}, 1, TimeUnit.DAYS);
        }
      };
  private RefreshingCredentials credentials;

  private final class Source implements CredentialsSource {
    int fetched;
    int renewed;
    int password;
    Instant inPlace;
    IOException failure;
    Duration renewal = Duration.ZERO;

    @Override
    public DatabaseCredentials fetch() throws IOException {
      if (failure != null) {
        throw failure;
      }
      fetched++;
      if (inPlace != null) {
        return new DatabaseCredentials(
            "static", "password" + password, Optional.of(inPlace), Optional.empty());
      }
      return of(fetched, now.plusSeconds(1000));
    }

    @Override
    public Optional<DatabaseCredentials> renew(DatabaseCredentials held) throws IOException {
      if (renewal.isZero()) {
        return Optional.empty();
      }
      renewed++;
      return Optional.of(of(fetched, now.plus(renewal)));
    }

    private DatabaseCredentials of(int number, Instant end) {
      return new DatabaseCredentials(
          "user" + number, "password" + number, Optional.of(end), Optional.of("lease"));
    }
  }

  /** Held, since the log manager holds loggers weakly; what is logged here is on purpose. */
  private static final java.util.logging.Logger LIBRARY =
      java.util.logging.Logger.getLogger("io.meshnative.jdbc");

  @BeforeEach
  void start() throws IOException {
    LIBRARY.setLevel(java.util.logging.Level.OFF);
    Clock clock =
        new Clock() {
          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(ZoneId zone) {
            return this;
          }

          @Override
          public Instant instant() {
            return now;
          }
        };
    credentials = new RefreshingCredentials(source, clock, () -> 0.5, scheduler);
    credentials.first();
  }

  @AfterEach
  void stop() {
    credentials.close();
  }

  private void pass(long seconds) {
    now = now.plusSeconds(seconds);
  }

  @Test
  void theNextUserIsGotAheadOfTheEnd() throws Exception {
    assertThat(credentials.current().user()).isEqualTo("user1");
    assertThat(planned).containsExactly(Duration.ofMillis(675_000));
    pass(675);
    List<String> changes = new ArrayList<>();
    credentials.onChange((before, after) -> changes.add(before.user() + " to " + after.user()));
    credentials.refresh();
    assertThat(credentials.current().user()).isEqualTo("user2");
    assertThat(changes).containsExactly("user1 to user2");
    assertThat(planned).hasSize(2);
  }

  @Test
  void aLeaseThatIsProlongedKeepsTheUserAndDisturbsNobody() throws Exception {
    List<String> changes = new ArrayList<>();
    credentials.onChange((before, after) -> changes.add("changed"));
    source.renewal = Duration.ofSeconds(900);
    pass(675);
    credentials.refresh();
    assertThat(credentials.current().user()).isEqualTo("user1");
    assertThat(credentials.current().expires()).contains(START.plusSeconds(1575));
    assertThat(changes).isEmpty();
    assertThat(source.fetched).isEqualTo(1);
  }

  /** Vault shortens renewals as the most that a lease may live comes near. */
  @Test
  void aRenewalThatGivesLittleIsNotEnough() throws Exception {
    source.renewal = Duration.ofSeconds(499);
    pass(675);
    credentials.refresh();
    assertThat(credentials.current().user()).isEqualTo("user2");
    source.renewal = Duration.ofSeconds(500);
    pass(675);
    credentials.refresh();
    assertThat(credentials.current().user())
        .as("half of its first life is enough")
        .isEqualTo("user2");
    pass(340);
    credentials.refresh();
    assertThat(source.renewed).as("and stays the measure").isEqualTo(3);
    assertThat(credentials.current().user()).isEqualTo("user2");
  }

  /** As Vault's static roles do: the user stays, and the password is another one after its end. */
  @Test
  void aPasswordThatIsReplacedInPlaceIsAskedForAfterItsEndAndNotEverFasterBefore()
      throws Exception {
    source.inPlace = START.plusSeconds(1000);
    credentials.first();
    planned.clear();
    pass(675);
    credentials.refresh();
    assertThat(planned)
        .as("the 325 s that are left, and then between one and three")
        .containsExactly(Duration.ofSeconds(327));
    String before = credentials.current().password();
    pass(327);
    source.inPlace = START.plusSeconds(2000);
    source.password++;
    credentials.refresh();
    assertThat(credentials.current().password()).isNotEqualTo(before);
    assertThat(credentials.current().user()).isEqualTo("static");
  }

  @Test
  void whileTheSourceFailsTheUserAtHandIsUsedUntilItEnds() throws Exception {
    source.failure = new IOException("sealed");
    pass(675);
    planned.clear();
    for (int i = 0; i < 9; i++) {
      credentials.refresh();
    }
    assertThat(planned)
        .as("ever less often, at most once a minute and a bit")
        .startsWith(Duration.ofMillis(1125), Duration.ofMillis(2250), Duration.ofMillis(4500))
        .endsWith(Duration.ofMillis(67_500));
    assertThat(credentials.current().user()).isEqualTo("user1");
    pass(325);
    assertThatThrownBy(credentials::current)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("sealed")
        .hasRootCause(source.failure);
    source.failure = null;
    assertThat(credentials.current().user()).isEqualTo("user2");
  }

  @Test
  void aRefreshThatCameTooLateIsMadeUpByWhoeverAsks() throws Exception {
    pass(1000);
    assertThat(credentials.current().user()).isEqualTo("user2");
    int plans = planned.size();
    credentials.refresh();
    assertThat(source.fetched).as("the refresh that was late anyway finds all done").isEqualTo(2);
    assertThat(planned).hasSize(plans);
  }

  @Test
  void aListenerThatFailsHurtsNobody() throws Exception {
    List<String> heard = new ArrayList<>();
    credentials.onChange((before, after) -> {
      throw new IllegalStateException("no");
    });
    credentials.onChange((before, after) -> heard.add(after.user()));
    pass(700);
    credentials.refresh();
    assertThat(heard).containsExactly("user2");
  }
}
