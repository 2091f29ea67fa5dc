package io.meshnative.internal.tls;

import io.meshnative.PeerAuthorizer;
import io.meshnative.RequestGate;
import io.meshnative.discovery.Destination;
import java.util.Optional;

/** What a connection is made for, and so what its peer must prove and be allowed. */
public sealed interface Terms {

  /** What the peer is in the handshake. */
  PeerRole peerRole();

  /**
   * The service calls a destination: the peer must be the target that the destination stands for.
   *
   * @param destination what the caller asked for
   * @param target whom to expect: the destination itself, or where its discovery chain leads
   */
  record Outbound(Destination destination, Destination target) implements Terms {
    /** Makes terms for a destination that stands for itself. */
    public Outbound(Destination destination) {
      this(destination, destination);
    }

    @Override
    public PeerRole peerRole() {
      return PeerRole.SERVER;
    }
  }

  /**
   * A peer calls the service: it must be any service of a trusted domain, and allowed.
   *
   * @param gate judges requests where an intention asks for it; empty for layer 4 alone
   * @param authorizer says who may connect
   */
  record Inbound(Optional<RequestGate> gate, PeerAuthorizer authorizer) implements Terms {
    @Override
    public PeerRole peerRole() {
      return PeerRole.CLIENT;
    }
  }
}
