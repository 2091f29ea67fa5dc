package io.meshnative.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EndpointPoolTest {
  private static final OutlierEjection EJECTION =
      new OutlierEjection(3, Duration.ofSeconds(10), Duration.ofSeconds(60), 0.5);

  /** Near the end of its range: the pool must not mind when the clock wraps around. */
  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000_000_000L);

  private EndpointPool pool(List<Endpoint> endpoints) {
    return pool(EJECTION, endpoints);
  }

  private EndpointPool pool(OutlierEjection ejection, List<Endpoint> endpoints) {
    EndpointPool pool =
        new EndpointPool(
            Endpoints.DB, LoadBalancer.roundRobin(), ejection, clock::get, new Random(3));
    pool.update(Endpoints.set(endpoints));
    return pool;
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private static void fail(EndpointPool pool, Endpoint endpoint, int times) {
    for (int i = 0; i < times; i++) {
      pool.begin(endpoint).failed();
    }
  }

  @Test
  void anEmptySetGivesAnEmptyOrder() {
    assertThat(pool(List.of()).order(null)).isEmpty();
    assertThat(pool(List.of()).order("key")).isEmpty();
  }

  @Test
  void thereIsNoSetBeforeTheFirstUpdate() {
    EndpointPool pool = EndpointPool.of(Endpoints.DB);

    assertThat(pool.endpoints()).isEmpty();
    assertThat(pool.order(null)).isEmpty();
  }

  @Test
  void theNewestSetIsHeld() {
    EndpointPool pool = pool(Endpoints.equal(2));
    EndpointSet newer = Endpoints.set(Endpoints.equal(3));

    pool.update(newer);

    assertThat(pool.endpoints()).containsSame(newer);
    assertThat(pool.order(null)).hasSize(3);
  }

  @Test
  void aSetOfAnotherDestinationIsRefused() {
    EndpointPool pool = EndpointPool.of(Destination.parse("cache"));

    assertThatThrownBy(() -> pool.update(Endpoints.set(Endpoints.equal(1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected endpoints of cache, found those of db");
  }

  @Test
  void anAttemptCountsUntilItIsClosed() {
    List<Endpoint> endpoints = Endpoints.equal(1);
    EndpointPool pool = pool(endpoints);

    Attempt attempt = pool.begin(endpoints.get(0));
    assertThat(pool.outstanding(endpoints.get(0))).isEqualTo(1);
    attempt.succeeded();
    assertThat(pool.outstanding(endpoints.get(0))).isEqualTo(1);
    attempt.closed();
    assertThat(pool.outstanding(endpoints.get(0))).isZero();
  }

  @Test
  void anAttemptEndsOnce() {
    List<Endpoint> endpoints = Endpoints.equal(1);
    EndpointPool pool = pool(endpoints);
    Attempt other = pool.begin(endpoints.get(0));
    Attempt attempt = pool.begin(endpoints.get(0));

    attempt.failed();
    attempt.closed();
    attempt.failed();
    attempt.succeeded();

    assertThat(pool.outstanding(endpoints.get(0))).isEqualTo(1);
    other.closed();
  }

  @Test
  void outstandingWorkSurvivesANewSetWithAnotherWeight() {
    EndpointPool pool = pool(Endpoints.weighted(1));
    pool.begin(Endpoints.endpoint("db-0", 1)).succeeded();

    pool.update(Endpoints.set(Endpoints.weighted(9)));

    assertThat(pool.outstanding(Endpoints.endpoint("db-0", 9))).isEqualTo(1);
  }

  @Test
  void outstandingWorkSurvivesTheAbsenceOfItsEndpoint() {
    List<Endpoint> endpoints = Endpoints.equal(2);
    EndpointPool pool = pool(endpoints);
    Attempt attempt = pool.begin(endpoints.get(1));
    pool.update(Endpoints.set(endpoints.subList(0, 1)));
    pool.update(Endpoints.set(endpoints));

    assertThat(pool.outstanding(endpoints.get(1))).isEqualTo(1);
    attempt.closed();
    assertThat(pool.outstanding(endpoints.get(1))).isZero();
  }

  @Test
  void enoughFailuresInARowEject() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);

    fail(pool, endpoints.get(1), 2);
    assertThat(pool.ejected()).isEmpty();
    fail(pool, endpoints.get(1), 1);
    assertThat(pool.ejected()).containsExactly(endpoints.get(1));
  }

  @Test
  void anEjectedEndpointStandsLast() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);

    fail(pool, endpoints.get(0), 3);

    for (int i = 0; i < 8; i++) {
      assertThat(pool.order(null)).hasSize(4).endsWith(endpoints.get(0));
      assertThat(pool.order("key-" + i)).hasSize(4).endsWith(endpoints.get(0));
    }
  }

  @Test
  void aSuccessInBetweenStartsTheCountAgain() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);

    fail(pool, endpoints.get(0), 2);
    pool.begin(endpoints.get(0)).succeeded();
    fail(pool, endpoints.get(0), 2);

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void aDialThatWasGivenUpSaysNothingOfItsEndpoint() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);

    for (int i = 0; i < 10; i++) {
      pool.begin(endpoints.get(0)).closed();
    }

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void aConnectionThatEndsBadlyAfterItStoodIsNoFailureToConnect() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);

    for (int i = 0; i < 10; i++) {
      Attempt attempt = pool.begin(endpoints.get(0));
      attempt.succeeded();
      attempt.failed();
    }

    assertThat(pool.ejected()).isEmpty();
    assertThat(pool.outstanding(endpoints.get(0))).isZero();
  }

  @Test
  void anEjectionEndsByItselfBetweenThreeQuartersOfItsPeriodAndTheWhole() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);

    pass(Duration.ofMillis(7499));
    assertThat(pool.ejected()).containsExactly(endpoints.get(0));
    pass(Duration.ofMillis(2502));
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void afterAnEjectionOneFailureEjectsAgainForTwiceAsLong() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);
    pass(Duration.ofSeconds(10));

    fail(pool, endpoints.get(0), 1);

    pass(Duration.ofMillis(14_999));
    assertThat(pool.ejected()).containsExactly(endpoints.get(0));
    pass(Duration.ofMillis(5_002));
    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void aPeriodIsNeverLongerThanTheLongest() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);
    for (int i = 0; i < 100; i++) {
      pass(Duration.ofSeconds(60));
      assertThat(pool.ejected()).isEmpty();
      fail(pool, endpoints.get(0), 1);
      assertThat(pool.ejected()).hasSize(1);
    }
  }

  @Test
  void aSuccessAfterAnEjectionClearsTheRecord() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);
    pass(Duration.ofSeconds(10));
    pool.begin(endpoints.get(0)).succeeded();

    fail(pool, endpoints.get(0), 2);
    assertThat(pool.ejected()).isEmpty();
    fail(pool, endpoints.get(0), 1);
    pass(Duration.ofSeconds(10));
    assertThat(pool.ejected()).as("the first period again").isEmpty();
  }

  @Test
  void aSuccessDuringAnEjectionEndsIt() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);

    pool.begin(endpoints.get(0)).succeeded();

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void noMoreThanTheShareIsEjected() {
    List<Endpoint> endpoints = Endpoints.equal(5);
    EndpointPool pool = pool(endpoints);

    for (Endpoint endpoint : endpoints) {
      fail(pool, endpoint, 5);
    }

    assertThat(pool.ejected()).hasSize(2);
  }

  @Test
  void theLastEndpointIsNeverEjectedWhateverTheShare() {
    OutlierEjection all = new OutlierEjection(1, Duration.ofSeconds(10), Duration.ofSeconds(60), 1);
    List<Endpoint> endpoints = Endpoints.equal(3);
    EndpointPool pool = pool(all, endpoints);

    for (Endpoint endpoint : endpoints) {
      fail(pool, endpoint, 5);
    }

    assertThat(pool.ejected()).hasSize(2);
    assertThat(pool.order(null).get(0)).isEqualTo(endpoints.get(2));
  }

  @Test
  void aSingleEndpointIsNeverEjected() {
    List<Endpoint> endpoints = Endpoints.equal(1);
    EndpointPool pool = pool(endpoints);

    fail(pool, endpoints.get(0), 50);

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void ejectionCanBeSwitchedOff() {
    List<Endpoint> endpoints = Endpoints.equal(5);
    EndpointPool pool = pool(OutlierEjection.none(), endpoints);

    fail(pool, endpoints.get(0), 50);

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void whereEverythingIsEjectedTheLeastRecentlyFailedIsTriedFirst() {
    List<Endpoint> endpoints = Endpoints.equal(6);
    EndpointPool pool = pool(endpoints);
    for (int i : new int[] {2, 0, 1}) {
      fail(pool, endpoints.get(i), 3);
      pass(Duration.ofSeconds(1));
    }

    pool.update(Endpoints.set(endpoints.subList(0, 3)));

    assertThat(pool.order(null))
        .containsExactly(endpoints.get(2), endpoints.get(0), endpoints.get(1));
  }

  @Test
  void anEjectionSurvivesANewSetAndAnAbsence() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);

    pool.update(Endpoints.set(endpoints.subList(1, 4)));
    pool.update(Endpoints.set(endpoints));

    assertThat(pool.ejected()).containsExactly(endpoints.get(0));
  }

  @Test
  void theSameInstanceAtAnotherAddressStartsAfresh() {
    List<Endpoint> endpoints = Endpoints.equal(4);
    EndpointPool pool = pool(endpoints);
    fail(pool, endpoints.get(0), 3);
    Endpoint old = endpoints.get(0);
    Endpoint moved =
        new Endpoint(
            old.instance(), old.node(), "10.0.0.9", 9000, old.identity(), old.kind(), old.weight());

    pool.update(Endpoints.set(List.of(moved, endpoints.get(1))));

    assertThat(pool.ejected()).isEmpty();
  }

  @Test
  void theOrderCannotBeChangedByWhoGetsIt() {
    List<Endpoint> order = pool(Endpoints.equal(2)).order(null);

    assertThatThrownBy(order::clear).isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void aSettingThatMeansNothingIsRefused() {
    Duration second = Duration.ofSeconds(1);

    assertThatThrownBy(() -> new OutlierEjection(0, second, second, 0.5))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new OutlierEjection(1, Duration.ZERO, second, 0.5))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new OutlierEjection(1, second, Duration.ofMillis(1), 0.5))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new OutlierEjection(1, second, second, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void manyThreadsLeaveNothingOutstandingAndNotTooManyEjected() throws Exception {
    List<Endpoint> endpoints = Endpoints.equal(8);
    EndpointPool pool =
        new EndpointPool(
            Endpoints.DB, LoadBalancer.powerOfTwoChoices(), EJECTION, clock::get, new Random(1));
    pool.update(Endpoints.set(endpoints));
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> runs = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        Random random = new Random(t);
        runs.add(threads.submit(() -> dialAtRandom(pool, endpoints, random)));
      }
      for (Future<?> run : runs) {
        run.get(2, TimeUnit.MINUTES);
      }
    } finally {
      threads.shutdownNow();
    }

    assertThat(endpoints).allSatisfy(one -> assertThat(pool.outstanding(one)).isZero());
    assertThat(pool.ejected()).hasSizeLessThanOrEqualTo(4);
  }

  private void dialAtRandom(EndpointPool pool, List<Endpoint> endpoints, Random random) {
    for (int i = 0; i < 5000; i++) {
      Attempt attempt = pool.begin(pool.order(null).get(0));
      if (random.nextInt(3) == 0) {
        attempt.succeeded();
      } else if (random.nextBoolean()) {
        attempt.failed();
      }
      if (random.nextInt(50) == 0) {
        pool.update(Endpoints.set(endpoints));
        pass(Duration.ofMillis(500));
      }
      attempt.closed();
    }
  }
}
