package io.meshnative.internal.transport;

import io.meshnative.MeshException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.internal.tls.MeshSession;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.PeerRole;
import io.meshnative.internal.tls.PeerVerifier;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.TrustEpoch;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * Verifies that a session's peer is a destination, under the roots held now; whose session it is
 * does not matter.
 */
public final class PeerCheck {
  private final PeerVerifier verifier;
  private final Publisher publisher;
  private final PolicyCheck check;

  public PeerCheck(PeerVerifier verifier, Publisher publisher, PolicyCheck check) {
    this.verifier = verifier;
    this.publisher = publisher;
    this.check = check;
  }

  public void verify(SSLSession session, Destination destination) throws PeerIdentityException {
    Published pair = publisher.current();
    try {
      TrustEpoch epoch = check.liveEpoch(pair);
      PeerProof proof = check.current(proof(session, epoch), epoch);
      SpiffeId expected = epoch.expected(destination).spiffeId();
      if (!proof.id().equals(expected)) {
        throw new PeerIdentityException(
            "expected " + expected + " as " + destination + ", found " + proof.id(),
            expected.toString(),
            proof.id().toString(),
            null);
      }
    } catch (PeerIdentityException e) {
      throw e;
    } catch (MeshException e) {
      throw new PeerIdentityException(
          String.valueOf(e.getMessage()), destination.toString(), null, e);
    }
  }

  private PeerProof proof(SSLSession session, TrustEpoch epoch) throws PeerIdentityException {
    if (session instanceof MeshSession ours) {
      PeerProof proven = ours.engine().proof();
      if (ours.engine().peer() != null && proven != null && proven.role() == PeerRole.SERVER) {
        return proven;
      }
      throw new PeerIdentityException(
          "expected a session whose server was verified, found one that is not",
          "a verified server",
          null,
          null);
    }
    try {
      return verifier.prove(session.getPeerCertificates(), PeerRole.SERVER, epoch, check.now());
    } catch (SSLPeerUnverifiedException e) {
      throw new PeerIdentityException(
          "expected a peer with a certificate, found none", "a certificate", null, e);
    }
  }
}
