package io.meshnative.internal.transport;

import io.meshnative.MeshNotReadyException;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.List;

/** What a dial that failed tells: what was expected, what was found, and the next step. */
final class DialFailures {
  private DialFailures() {}

  static MeshNotReadyException closed(Destination destination, IOException cause) {
    return new MeshNotReadyException(
        "the mesh client was closed while it dialled " + destination, cause);
  }

  /** The catalog has nobody to dial, or has not said so in time. */
  static NoEndpointException none(Destination destination, Upstream upstream, boolean known) {
    IOException failure = upstream.failure();
    String found;
    if (!known) {
      found =
          "no answer about its endpoints in time"
              + (failure == null ? "" : "; the last error was: " + failure.getMessage());
    } else {
      EndpointSet set =
          upstream
              .endpoints()
              .orElseGet(() ->
                  new EndpointSet(
                      destination, List.of(), EndpointSet.Emptiness.NO_INSTANCE, List.of()));
      found =
          switch (set.emptiness()) {
            case NO_INSTANCE ->
                "no healthy instance of it in the mesh; is it registered as connect-native or with a sidecar, and"
                    + " are its checks passing?";
            case FILTERED_BY_ACL ->
                "an answer that hides instances; the token needs service:read on \""
                    + destination.service()
                    + "\" and node:read (a service identity token has both)";
            case ALL_SKIPPED ->
                "instances that cannot be used: " + String.join("; ", set.skipped());
            case NOT_EMPTY -> "endpoints that left while dialling; dial again";
          };
    }
    return new NoEndpointException(
        destination, "expected an endpoint of " + destination + ", found " + found, failure);
  }

  /** A peer that is another one, or that refused us, says more than a dead address. */
  static IOException all(
      Destination destination, List<Endpoint> tried, List<IOException> failures, Deadline budget) {
    IOException telling = null;
    for (IOException failure : failures) {
      if (failure instanceof PeerIdentityException
          || (failure instanceof PeerRefusedException
              && !(telling instanceof PeerIdentityException))) {
        telling = failure;
      }
    }
    if (telling == null && budget.expired()) {
      SocketTimeoutException late =
          new SocketTimeoutException(
              "expected a connection to "
                  + destination
                  + " within "
                  + budget.budgetMillis()
                  + " ms, found none after "
                  + failures.size()
                  + " of "
                  + tried.size()
                  + " endpoints");
      telling = late;
    }
    if (telling == null) {
      StringBuilder found = new StringBuilder();
      for (int i = 0; i < failures.size(); i++) {
        found
            .append(i == 0 ? "" : "; ")
            .append(tried.get(i).address())
            .append(": ")
            .append(failures.get(i).getMessage());
      }
      telling =
          new NoEndpointException(
              destination,
              "expected a connection to one of the endpoints of "
                  + destination
                  + ", found none ("
                  + found
                  + ")",
              failures.isEmpty() ? null : failures.get(0));
    }
    for (IOException failure : failures) {
      if (failure != telling && failure != telling.getCause()) {
        telling.addSuppressed(failure);
      }
    }
    return telling;
  }
}
