package io.meshnative.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LoadBalancerTest {

  static Stream<LoadBalancer> all() {
    return Stream.of(
        LoadBalancer.powerOfTwoChoices(),
        LoadBalancer.roundRobin(),
        LoadBalancer.random(),
        LoadBalancer.rendezvous("key"));
  }

  static Stream<LoadBalancer> withoutKey() {
    return all().limit(3);
  }

  @ParameterizedTest
  @MethodSource("all")
  void everyOrderHoldsEveryEndpointOnce(LoadBalancer balancer) {
    for (int size : new int[] {1, 2, 3, 30}) {
      List<Endpoint> endpoints = Endpoints.equal(size);
      EndpointPool pool = Endpoints.pool(balancer, endpoints);
      for (int i = 0; i < 50; i++) {
        assertThat(pool.order(null)).containsExactlyInAnyOrderElementsOf(endpoints);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("withoutKey")
  void picksFollowTheWeights(LoadBalancer balancer) {
    List<Endpoint> endpoints = Endpoints.weighted(1, 2, 5, 10, 2);
    Map<Endpoint, Integer> picks = Endpoints.picks(Endpoints.pool(balancer, endpoints), 20_000);

    for (Endpoint endpoint : endpoints) {
      assertThat(picks.getOrDefault(endpoint, 0) / 1000.0)
          .isCloseTo(endpoint.weight(), within(0.5));
    }
  }

  @ParameterizedTest
  @MethodSource("withoutKey")
  void theAlternativesDifferFromDialToDial(LoadBalancer balancer) {
    EndpointPool pool = Endpoints.pool(balancer, Endpoints.equal(5));
    Set<Endpoint> seconds = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      seconds.add(pool.order(null).get(1));
    }

    assertThat(seconds).hasSize(5);
  }

  @Test
  void powerOfTwoChoicesNeverPicksTheBusiestOfAll() {
    List<Endpoint> endpoints = Endpoints.equal(10);
    EndpointPool pool = Endpoints.pool(LoadBalancer.powerOfTwoChoices(), endpoints);
    pool.begin(endpoints.get(3)).succeeded();

    assertThat(Endpoints.picks(pool, 5000)).doesNotContainKey(endpoints.get(3)).hasSize(9);
  }

  @Test
  void powerOfTwoChoicesKeepsConnectionsNearlyEven() {
    List<Endpoint> endpoints = Endpoints.equal(50);
    EndpointPool pool = Endpoints.pool(LoadBalancer.powerOfTwoChoices(), endpoints);
    for (int i = 0; i < 5000; i++) {
      pool.begin(pool.order(null).get(0)).succeeded();
    }

    assertThat(endpoints).allSatisfy(one -> assertThat(pool.outstanding(one)).isBetween(90, 110));
  }

  @Test
  void powerOfTwoChoicesFillsConnectionsByWeight() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 3, 6);
    EndpointPool pool = Endpoints.pool(LoadBalancer.powerOfTwoChoices(), endpoints);
    for (int i = 0; i < 1000; i++) {
      pool.begin(pool.order(null).get(0)).succeeded();
    }

    assertThat(endpoints)
        .allSatisfy(
            one -> assertThat(pool.outstanding(one) / 100.0).isCloseTo(one.weight(), within(0.3)));
  }

  @Test
  void roundRobinVisitsEachEqualEndpointOnceARound() {
    List<Endpoint> endpoints = Endpoints.equal(7);
    EndpointPool pool = Endpoints.pool(LoadBalancer.roundRobin(), endpoints);
    for (int round = 0; round < 5; round++) {
      List<Endpoint> picked = new ArrayList<>();
      for (int i = 0; i < 7; i++) {
        picked.add(pool.order(null).get(0));
      }
      assertThat(picked).containsExactlyInAnyOrderElementsOf(endpoints);
    }
  }

  @Test
  void roundRobinIsExactByWeightAndSpreadsTheHeavyOnes() {
    List<Endpoint> endpoints = Endpoints.weighted(5, 1, 1, 1);
    EndpointPool pool = Endpoints.pool(LoadBalancer.roundRobin(), endpoints);
    List<Endpoint> picked = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      picked.add(pool.order(null).get(0));
    }

    assertThat(picked).filteredOn(endpoints.get(0)::equals).hasSize(5);
    assertThat(picked.subList(0, 5))
        .as("not five in a row")
        .containsAnyElementsOf(endpoints.subList(1, 4));
  }

  @Test
  void rendezvousGivesAKeyTheSameOrderEachTime() {
    EndpointPool pool = Endpoints.pool(LoadBalancer.rendezvous("customer-17"), Endpoints.equal(20));

    assertThat(pool.order(null)).isEqualTo(pool.order(null));
  }

  @Test
  void rendezvousDoesNotDependOnTheOrderOfTheCatalog() {
    List<Endpoint> endpoints = Endpoints.equal(20);
    List<Endpoint> reversed = new ArrayList<>(endpoints);
    java.util.Collections.reverse(reversed);

    assertThat(Endpoints.pool(LoadBalancer.random(), reversed).order("k"))
        .isEqualTo(Endpoints.pool(LoadBalancer.roundRobin(), endpoints).order("k"));
  }

  @Test
  void rendezvousSpreadsKeysByWeight() {
    List<Endpoint> endpoints = Endpoints.weighted(1, 2, 5, 12);
    EndpointPool pool = Endpoints.pool(LoadBalancer.random(), endpoints);
    Map<Endpoint, Integer> picks = new HashMap<>();
    for (int i = 0; i < 20_000; i++) {
      picks.merge(pool.order("key-" + i).get(0), 1, Integer::sum);
    }

    for (Endpoint endpoint : endpoints) {
      assertThat(picks.getOrDefault(endpoint, 0) / 1000.0)
          .isCloseTo(endpoint.weight(), within(0.5));
    }
  }

  @Test
  void rendezvousMovesOnlyTheKeysOfAnEndpointThatLeaves() {
    List<Endpoint> endpoints = Endpoints.equal(10);
    EndpointPool pool = Endpoints.pool(LoadBalancer.random(), endpoints);
    EndpointPool smaller = Endpoints.pool(LoadBalancer.random(), endpoints.subList(0, 9));
    for (int i = 0; i < 1000; i++) {
      Endpoint before = pool.order("key-" + i).get(0);
      if (!before.equals(endpoints.get(9))) {
        assertThat(smaller.order("key-" + i).get(0)).isEqualTo(before);
      }
    }
  }
}
