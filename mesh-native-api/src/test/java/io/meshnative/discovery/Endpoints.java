package io.meshnative.discovery;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Endpoints for the tests. */
final class Endpoints {
  static final Destination DB = Destination.parse("db");
  private static final ConsulId.Service IDENTITY =
      new ConsulId.Service(TrustDomain.of("one.consul"), "default", "default", "dc1", "db");

  private Endpoints() {}

  static Endpoint endpoint(String instance, int weight) {
    return new Endpoint(
        instance, "node-1", instance + ".host", 9000, IDENTITY, Endpoint.Kind.NATIVE, weight);
  }

  /** Makes endpoints {@code db-0}, {@code db-1} and so on with these weights. */
  static List<Endpoint> weighted(int... weights) {
    List<Endpoint> endpoints = new ArrayList<>();
    for (int i = 0; i < weights.length; i++) {
      endpoints.add(endpoint("db-" + i, weights[i]));
    }
    return endpoints;
  }

  static List<Endpoint> equal(int count) {
    int[] weights = new int[count];
    java.util.Arrays.fill(weights, 1);
    return weighted(weights);
  }

  static EndpointSet set(List<Endpoint> endpoints) {
    return new EndpointSet(
        DB,
        endpoints,
        endpoints.isEmpty() ? EndpointSet.Emptiness.NO_INSTANCE : EndpointSet.Emptiness.NOT_EMPTY,
        List.of());
  }

  static EndpointPool pool(LoadBalancer balancer, List<Endpoint> endpoints) {
    EndpointPool pool =
        new EndpointPool(DB, balancer, OutlierEjection.defaults(), () -> 0L, new Random(7));
    pool.update(set(endpoints));
    return pool;
  }

  /** Counts which endpoint is picked how often. */
  static Map<Endpoint, Integer> picks(EndpointPool pool, int count) {
    Map<Endpoint, Integer> picks = new HashMap<>();
    for (int i = 0; i < count; i++) {
      picks.merge(pool.order(null).get(0), 1, Integer::sum);
    }
    return picks;
  }
}
