package io.meshnative;

import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import io.meshnative.intention.Intention;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Something that was refused, or ended because its right was withdrawn. Holds no secret: of a
 * request it has the method, the host and the judged path, neither query nor headers.
 *
 * @param at when, by the client's clock
 * @param kind what was refused or ended
 * @param direction who called whom
 * @param service the own service's name
 * @param self the own id; empty before the first identity
 * @param peer the id of the peer; empty if it proved none. What a refused peer claims is in the
 *     reason
 * @param remote the address of the peer; empty if it is not known
 * @param destination the destination; empty for inbound
 * @param cause why, for programs; empty where not the policy refused but the identity: a wrong or
 *     unproven peer, certificates that have ended
 * @param rule the intention that decided; empty where the default or a defect did
 * @param permission the index of the permission that decided, from 0; empty for none
 * @param reason why, for people, one line
 * @param policyVersion the number of the policy that decided
 * @param trustGeneration the number of the trust epoch then; 0 before the first
 * @param request the request; empty for connections and dials
 * @param droppedBefore how many records were dropped between the one before and this one, since the
 *     sink was too slow
 */
public record AuditRecord(
    Instant at,
    Kind kind,
    MeshEvent.Direction direction,
    String service,
    Optional<SpiffeId> self,
    Optional<SpiffeId> peer,
    Optional<String> remote,
    Optional<Destination> destination,
    Optional<Decision.Cause> cause,
    Optional<Intention> rule,
    OptionalInt permission,
    String reason,
    long policyVersion,
    long trustGeneration,
    Optional<Request> request,
    long droppedBefore) {

  /** What was refused or ended. */
  public enum Kind {
    /** A peer was refused in its handshake, or a peer that we called was. */
    CONNECTION_REFUSED,
    /** A request was refused on a connection that stands. */
    REQUEST_REFUSED,
    /** The service may not call a destination, so it was not dialled. */
    DIAL_REFUSED,
    /** A connection that had been let in was cut. */
    CONNECTION_CUT,
    /** A request that had been let in, and still ran, was ended. */
    REQUEST_CUT
  }

  /**
   * The request that was judged.
   *
   * @param method its method
   * @param host its host, with the port if it names one
   * @param path its judged path, without query
   */
  public record Request(String method, String host, String path) {
    /** Checks that nothing is null. */
    public Request {
      Objects.requireNonNull(method, "method");
      Objects.requireNonNull(host, "host");
      Objects.requireNonNull(path, "path");
    }
  }

  /** Checks that nothing is null. */
  public AuditRecord {
    Objects.requireNonNull(at, "at");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(direction, "direction");
    Objects.requireNonNull(service, "service");
    Objects.requireNonNull(self, "self");
    Objects.requireNonNull(peer, "peer");
    Objects.requireNonNull(remote, "remote");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(cause, "cause");
    Objects.requireNonNull(rule, "rule");
    Objects.requireNonNull(permission, "permission");
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(request, "request");
  }

  /**
   * Returns the same record after a loss.
   *
   * @param dropped how many records were dropped before it
   * @return the record
   */
  public AuditRecord withDroppedBefore(long dropped) {
    return new AuditRecord(
        at,
        kind,
        direction,
        service,
        self,
        peer,
        remote,
        destination,
        cause,
        rule,
        permission,
        reason,
        policyVersion,
        trustGeneration,
        request,
        dropped);
  }
}
