package io.meshnative.internal.tls;

import io.meshnative.MeshException;
import io.meshnative.MeshPeer;

/** Decides over proven peers, by the pair that is published at the moment of the call. */
public interface PeerAuthority {

  /** Decides; for the moment in the handshake when the peer's certificates are known. */
  void require(Terms terms, PeerProof proof) throws MeshException;

  /**
   * Decides, registers the engine as live, reads the pair again and decides again; for the moment
   * after the handshake, before the first application byte. From then on a sweep may {@link
   * MeshEngine#cut} the engine.
   */
  MeshPeer admit(MeshEngine engine, PeerProof proof) throws MeshException;

  /** The engine's connection has ended. */
  void release(MeshEngine engine);

  /** A peer was refused in the handshake. */
  void refused(MeshEngine engine, MeshException reason);
}
