package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshIdentity;
import io.meshnative.MeshSnapshot;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.intention.Decision;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;

/**
 * The actuator endpoint {@code mesh}: who the application is, whom it calls, who calls it, who was
 * denied and why. Read-only, holds no secret, and no one may read it unless {@code
 * management.endpoint.mesh.access=read-only} says so.
 *
 * <p>{@code /actuator/mesh/why/{source}} explains whether a service may call this one, {@code
 * /actuator/mesh/why-to/{destination}} whether this one may call another.
 */
@Endpoint(id = "mesh", defaultAccess = Access.NONE)
public final class MeshEndpoint {
  private final MeshClient mesh;

  /**
   * Makes the endpoint.
   *
   * @param mesh what it shows
   */
  public MeshEndpoint(MeshClient mesh) {
    this.mesh = mesh;
  }

  /**
   * Shows what the client knows and does now.
   *
   * @return the report
   */
  @ReadOperation
  public Report report() {
    return Report.of(mesh.snapshot());
  }

  /**
   * Explains a decision.
   *
   * @param question {@code why} for a caller of this service, {@code why-to} for a service that it
   *     calls
   * @param name the other service
   * @return the decision; null, which is answered with 404, for any other question
   */
  @ReadOperation
  public @Nullable Explanation explain(@Selector String question, @Selector String name) {
    return switch (question) {
      case "why" -> Explanation.of(name, mesh.service(), mesh.explain(name));
      case "why-to" -> Explanation.of(mesh.service(), name, mesh.explain(Destination.parse(name)));
      default -> null;
    };
  }

  /**
   * A decision and its reason.
   *
   * @param source who calls
   * @param destination who is called
   * @param allowed whether it may, as far as layer 4 goes
   * @param reason why
   * @param intention the intention that decides; null if none does
   */
  public record Explanation(
      String source,
      String destination,
      boolean allowed,
      String reason,
      @Nullable String intention) {
    static Explanation of(String source, String destination, Decision decision) {
      return new Explanation(
          source,
          destination,
          decision.isAllowed(),
          decision.reason(),
          decision.intention().map(Object::toString).orElse(null));
    }
  }

  /**
   * What the client knows and does.
   *
   * @param service the service's name
   * @param state where the client stands
   * @param identity who it is; null before the first identity
   * @param trustGeneration the number of the trust epoch
   * @param intentions the policy in force
   * @param tls the TLS engine and what it did
   * @param destinations the endpoints of each destination in use
   * @param connections how many live connections there are, by peer and direction
   * @param lastDenials the last denials, newest first
   */
  public record Report(
      String service,
      String state,
      @Nullable Identity identity,
      long trustGeneration,
      Intentions intentions,
      Tls tls,
      Map<String, Destinations> destinations,
      List<Connections> connections,
      List<Denial> lastDenials) {
    static Report of(MeshSnapshot now) {
      Map<String, Destinations> destinations = new TreeMap<>();
      now.endpoints().forEach((to, set) -> destinations.put(to.toString(), Destinations.of(set)));
      return new Report(
          now.service(),
          now.state().name(),
          now.identity().map(Identity::of).orElse(null),
          now.trustGeneration(),
          new Intentions(
              now.policyVersion(),
              now.inboundIntentions(),
              now.defaultDecision().name(),
              now.policyDefect().orElse(null)),
          new Tls(now.tlsProvider(), now.fullHandshakes(), now.resumedHandshakes()),
          destinations,
          Connections.of(now.connections()),
          now.lastDenials().stream().map(Denial::of).toList());
    }
  }

  /**
   * Who the application is.
   *
   * @param id the SPIFFE id
   * @param notBefore when the leaf became valid
   * @param notAfter when it ends
   */
  public record Identity(String id, Instant notBefore, Instant notAfter) {
    static Identity of(MeshIdentity identity) {
      return new Identity(identity.id().toString(), identity.notBefore(), identity.notAfter());
    }
  }

  /**
   * The policy in force.
   *
   * @param version its number
   * @param inbound how many intentions concern callers
   * @param defaultDecision what happens where none matches
   * @param defect why everything is denied; null if nothing is wrong
   */
  public record Intentions(
      long version, int inbound, String defaultDecision, @Nullable String defect) {}

  /**
   * The TLS engine.
   *
   * @param provider its name
   * @param fullHandshakes how many full handshakes were done
   * @param resumedHandshakes how many sessions were resumed
   */
  public record Tls(String provider, long fullHandshakes, long resumedHandshakes) {}

  /**
   * The endpoints of a destination.
   *
   * @param endpoints the healthy ones
   * @param emptiness why there are none, or that there are some
   * @param skipped instances that are not used, and why
   */
  public record Destinations(List<String> endpoints, String emptiness, List<String> skipped) {
    static Destinations of(EndpointSet set) {
      return new Destinations(
          set.endpoints().stream().map(Object::toString).toList(),
          set.emptiness().name(),
          set.skipped());
    }
  }

  /**
   * Live connections with one peer in one direction.
   *
   * @param direction who called whom
   * @param peer the SPIFFE id of the peer
   * @param destination the destination; null for inbound
   * @param live how many
   * @param notAfter when the first of them is cut
   */
  public record Connections(
      String direction, String peer, @Nullable String destination, int live, Instant notAfter) {
    static List<Connections> of(List<MeshSnapshot.LiveConnection> connections) {
      Map<String, Connections> byPeer = new TreeMap<>();
      for (MeshSnapshot.LiveConnection each : connections) {
        Optional<String> to = each.destination().map(Destination::toString);
        Connections one =
            new Connections(
                each.direction().name(),
                each.peer().toString(),
                to.orElse(null),
                1,
                each.notAfter());
        byPeer.merge(
            one.direction() + ' ' + one.peer() + ' ' + to.orElse(""), one, Connections::and);
      }
      return byPeer.values().stream()
          .sorted(Comparator.comparing(Connections::direction).thenComparing(Connections::peer))
          .toList();
    }

    private Connections and(Connections other) {
      Instant first = notAfter.isBefore(other.notAfter) ? notAfter : other.notAfter;
      return new Connections(direction, peer, destination, live + other.live, first);
    }
  }

  /**
   * A denial.
   *
   * @param at when
   * @param direction who called whom
   * @param peer the SPIFFE id of the peer; null if it proved none
   * @param remote its address; null if it is not known
   * @param reason why, with the rule
   */
  public record Denial(
      Instant at, String direction, @Nullable String peer, @Nullable String remote, String reason) {
    static Denial of(MeshEvent.Denied denied) {
      return new Denial(
          denied.at(),
          denied.direction().name(),
          denied.peer().map(Object::toString).orElse(null),
          denied.remote().orElse(null),
          denied.reason());
    }
  }
}
