package io.meshnative.micrometer;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which destinations get a name in tags. An application may dial whatever somebody sends it, and
 * each value of a tag is a time series for good: so only services that exist are named, and no more
 * than a hundred.
 */
final class Destinations {
  static final String UNKNOWN = "unknown";
  private static final int MAX = 100;

  private final MeshClient mesh;
  private final Set<Destination> named = ConcurrentHashMap.newKeySet();

  Destinations(MeshClient mesh) {
    this.mesh = mesh;
  }

  /** The name of a destination that was connected to, or whose endpoints are known. */
  String nameOfExisting(Destination destination) {
    if (named.contains(destination)) {
      return destination.toString();
    }
    // Two threads may add one each beyond the limit: that is as good as the limit.
    return named.size() < MAX && (named.add(destination) || named.contains(destination))
        ? destination.toString()
        : UNKNOWN;
  }

  /** The name of a destination that may not exist. */
  String nameOf(Destination destination) {
    if (named.contains(destination)) {
      return destination.toString();
    }
    return exists(destination) ? nameOfExisting(destination) : UNKNOWN;
  }

  private boolean exists(Destination destination) {
    try {
      return !mesh.endpoints(destination).isEmpty();
    } catch (RuntimeException e) {
      return false; // the client is closed, say
    }
  }
}
