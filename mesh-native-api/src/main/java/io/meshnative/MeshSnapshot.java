package io.meshnative;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client knows and does at one moment, for status pages. Holds no secret.
 *
 * @param service the service's name
 * @param state where the client stands
 * @param identity who the client is; empty before the first identity
 * @param trustGeneration the number of the trust epoch
 * @param policyVersion the number of the policy
 * @param inboundIntentions how many intentions concern callers
 * @param defaultDecision what happens where none matches
 * @param policyDefect why everything is denied, if the intentions cannot be applied
 * @param tlsProvider the name of the TLS engine
 * @param fullHandshakes how many full handshakes were done
 * @param resumedHandshakes how many sessions were resumed
 * @param endpoints the endpoints of each destination in use
 * @param connections the live connections
 * @param lastDenials the last denials, newest first, at most 100
 * @param auditDropped how many records the audit sink missed because it was too slow
 * @param intentions the intentions that concern callers, the one that decides first at the front;
 *     also where a defect denies everything
 * @param judgements how often it was decided so, since the client was built; every combination is
 *     there, most of them with 0
 * @param endings how many connections ended so, since the client was built; every combination is
 *     there
 * @param contact how the client stands with its control plane
 */
public record MeshSnapshot(
    String service,
    MeshState state,
    Optional<MeshIdentity> identity,
    long trustGeneration,
    long policyVersion,
    int inboundIntentions,
    DefaultDecision defaultDecision,
    Optional<String> policyDefect,
    String tlsProvider,
    long fullHandshakes,
    long resumedHandshakes,
    Map<Destination, EndpointSet> endpoints,
    List<LiveConnection> connections,
    List<MeshEvent.Denied> lastDenials,
    long auditDropped,
    List<Intention> intentions,
    Map<Judgement, Long> judgements,
    Map<Ended, Long> endings,
    Contact contact) {

  /** Copies the collections. */
  public MeshSnapshot {
    endpoints = Map.copyOf(endpoints);
    connections = List.copyOf(connections);
    lastDenials = List.copyOf(lastDenials);
    intentions = List.copyOf(intentions);
    judgements = Map.copyOf(judgements);
    endings = Map.copyOf(endings);
  }

  /**
   * A live connection.
   *
   * @param direction who called whom
   * @param peer the id of the peer
   * @param destination the destination, empty for inbound
   * @param since when the peer was let through
   * @param notAfter when it is cut at the latest
   */
  public record LiveConnection(
      MeshEvent.Direction direction,
      SpiffeId peer,
      Optional<Destination> destination,
      Instant since,
      Instant notAfter) {}

  /** What was judged. */
  public enum Layer {
    /** A connection, or a dial before there is one. */
    CONNECTION,
    /** A request on a connection. */
    REQUEST
  }

  /** What was said. */
  public enum Verdict {
    /** It was let in. */
    ALLOWED,
    /** The policy is against it. */
    DENIED,
    /** Who asked has not proven to be anybody who may be asked about. */
    UNPROVEN
  }

  /**
   * A kind of decision.
   *
   * @param direction who called whom
   * @param layer what was judged
   * @param verdict what was said
   */
  public record Judgement(MeshEvent.Direction direction, Layer layer, Verdict verdict) {}

  /** How a connection ended that had been let in. */
  public enum Ending {
    /** One of its ends closed it, or the network did. */
    CLOSED,
    /** The policy turned against it. */
    DENIED,
    /** The certificates of one of its ends ended. */
    EXPIRED,
    /** The peer is not proven by the roots any more, or broke the rules. */
    UNTRUSTED,
    /** The client was closed. */
    SHUTDOWN
  }

  /**
   * A kind of end.
   *
   * @param direction who called whom
   * @param ending how it ended
   */
  public record Ended(MeshEvent.Direction direction, Ending ending) {}

  /**
   * How the client stands with its control plane. While a blocking query waits there is no answer,
   * and nothing is wrong.
   *
   * @param lastAnswer when a source last answered with something that can be used; empty before the
   *     first
   * @param failing the sources that fail now ({@code identity}, {@code trust}, {@code intentions}),
   *     the one that has failed for longest first
   */
  public record Contact(Optional<Instant> lastAnswer, List<Failing> failing) {
    /** Copies the list. */
    public Contact {
      failing = List.copyOf(failing);
    }

    /**
     * Returns for how long what is held may have been out of date.
     *
     * @param now the time
     * @return since the first of the failing sources began to fail; zero if none does
     */
    public Duration lag(Instant now) {
      if (failing.isEmpty()) {
        return Duration.ZERO;
      }
      Duration lag = Duration.between(failing.get(0).since(), now);
      return lag.isNegative() ? Duration.ZERO : lag;
    }
  }

  /**
   * A source that fails.
   *
   * @param source what is asked for
   * @param since when it began to
   * @param reason the last failure, for people
   */
  public record Failing(String source, Instant since, String reason) {}
}
