package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshIdentity;
import io.meshnative.MeshSnapshot;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.TrustBundle;
import io.meshnative.intention.Decision;
import io.meshnative.intention.Intention;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.Access;
import org.springframework.boot.actuate.endpoint.InvalidEndpointRequestException;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;

/**
 * The actuator endpoint {@code mesh}: who the application is, whom it calls, who calls it, who was
 * denied and why. Read-only, holds no secret, and no one may read it unless {@code
 * management.endpoint.mesh.access=read-only} says so.
 *
 * <p>{@code /actuator/mesh/why/{source}} explains whether a service may call this one, with {@code
 * ?method=GET&path=/orders} also down to a request, and {@code /actuator/mesh/why-to/{destination}}
 * whether this one may call another. {@link MeshEndpointPage} is the page for people.
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
    return Report.of(mesh.snapshot(), mesh.trustBundles());
  }

  /**
   * Explains a decision over connections.
   *
   * @param question {@code why} for a caller of this service, {@code why-to} for a service that it
   *     calls
   * @param name the other service
   * @return the decision; null for any other question
   * @throws InvalidEndpointRequestException if that is no name of a service
   */
  public @Nullable Explanation explain(String question, String name) {
    return explain(question, name, null, null);
  }

  /**
   * Explains a decision.
   *
   * @param question {@code why} for a caller of this service, {@code why-to} for a service that it
   *     calls
   * @param name the other service
   * @param method of a request, for {@code why} down to layer 7; null for GET
   * @param path of a request; null for a connection
   * @return the decision; null, which is answered with 404, for any other question
   * @throws InvalidEndpointRequestException which is answered with 400, if that is no name of a
   *     service or no request
   */
  @ReadOperation
  public @Nullable Explanation explain(
      @Selector String question,
      @Selector String name,
      @Nullable String method,
      @Nullable String path) {
    if (!question.equals(Question.WHY) && !question.equals(Question.WHY_TO)) {
      return null;
    }
    try {
      return Question.of(question, name, method, path).answer(mesh);
    } catch (IllegalArgumentException | IllegalStateException e) {
      String reason = String.valueOf(e.getMessage());
      throw new InvalidEndpointRequestException(reason, reason, e);
    }
  }

  /**
   * A decision and its reason.
   *
   * @param source who calls
   * @param destination who is called
   * @param allowed whether it may; a connection, unless a request was asked about
   * @param cause why not, in one word of {@link Decision.Cause}; null if it may
   * @param reason why
   * @param intention the intention that decides; null if none does
   */
  public record Explanation(
      String source,
      String destination,
      boolean allowed,
      @Nullable String cause,
      String reason,
      @Nullable String intention) {
    static Explanation of(String source, String destination, Decision decision) {
      return new Explanation(
          source,
          destination,
          decision.isAllowed(),
          decision instanceof Decision.Denied denied ? denied.cause().name() : null,
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
   * @param roots the roots that peers are proven under
   * @param controlPlane how the client stands with its control plane
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
      List<Root> roots,
      ControlPlane controlPlane,
      Intentions intentions,
      Tls tls,
      Map<String, Destinations> destinations,
      List<Connections> connections,
      List<Denial> lastDenials) {
    static Report of(MeshSnapshot now, List<TrustBundle> bundles) {
      Map<String, Destinations> destinations = new TreeMap<>();
      now.endpoints().forEach((to, set) -> destinations.put(to.toString(), Destinations.of(set)));
      return new Report(
          now.service(),
          now.state().name(),
          now.identity().map(Identity::of).orElse(null),
          now.trustGeneration(),
          bundles.stream().flatMap(Root::of).toList(),
          ControlPlane.of(now.contact()),
          new Intentions(
              now.policyVersion(),
              now.inboundIntentions(),
              now.defaultDecision().name(),
              now.policyDefect().orElse(null),
              now.intentions().stream().map(Rule::of).toList()),
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
   * @param rules the intentions that concern callers, the one that decides first at the front
   */
  public record Intentions(
      long version,
      int inbound,
      String defaultDecision,
      @Nullable String defect,
      List<Rule> rules) {}

  /**
   * An intention.
   *
   * @param source whom it is about
   * @param destination whom they call
   * @param action what it says; null where its permissions do
   * @param permissions how many permissions it has, for requests
   * @param precedence its precedence
   * @param description what its author wrote
   */
  public record Rule(
      String source,
      String destination,
      @Nullable String action,
      int permissions,
      int precedence,
      String description) {
    static Rule of(Intention intention) {
      return new Rule(
          intention.source().toString(),
          intention.destination().toString(),
          intention.action().map(Enum::name).orElse(null),
          intention.permissions().size(),
          intention.precedence(),
          intention.description());
    }
  }

  /**
   * A root that peers are proven under.
   *
   * @param trustDomain the trust domain that it proves ids of
   * @param subject its subject
   * @param notBefore when it became valid
   * @param notAfter when it ends
   */
  public record Root(String trustDomain, String subject, Instant notBefore, Instant notAfter) {
    static Stream<Root> of(TrustBundle bundle) {
      return bundle.roots().stream()
          .map(root ->
              new Root(
                  bundle.trustDomain().toString(),
                  root.getSubjectX500Principal().getName(),
                  root.getNotBefore().toInstant(),
                  root.getNotAfter().toInstant()));
    }
  }

  /**
   * How the client stands with its control plane.
   *
   * @param lastAnswer when a source last told something that can be used; null before the first
   * @param failing the sources that fail now
   */
  public record ControlPlane(@Nullable Instant lastAnswer, List<Failing> failing) {
    static ControlPlane of(MeshSnapshot.Contact contact) {
      return new ControlPlane(
          contact.lastAnswer().orElse(null),
          contact.failing().stream()
              .map(each -> new Failing(each.source(), each.since(), each.reason()))
              .toList());
    }
  }

  /**
   * A source that fails.
   *
   * @param source what is asked for
   * @param since when it began to
   * @param reason the last failure
   */
  public record Failing(String source, Instant since, String reason) {}

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
