package io.meshnative;

import io.meshnative.intention.Decision;

/**
 * Says who may connect to a listener. It is asked when a peer connects and again at each change of
 * the policy; a peer that it no longer accepts is cut off.
 *
 * <p>Implementations are thread-safe, quick and never block. One that throws refuses.
 */
@FunctionalInterface
public interface PeerAuthorizer {

  /**
   * Says whether a peer may connect.
   *
   * @param peer a proven peer
   * @param intentions what the intentions say of it
   * @return true to let it through
   */
  boolean isAuthorized(MeshPeer peer, Decision intentions);

  /**
   * Lets through whom the intentions let through. This is the default.
   *
   * @return the authorizer
   */
  static PeerAuthorizer intentions() {
    return ByIntentions.INSTANCE;
  }

  /**
   * Lets through every peer that proves the identity of any service of a trusted domain,
   * <strong>whatever the intentions say</strong>. For listeners that enforce a policy of their own.
   *
   * @return the authorizer
   */
  static PeerAuthorizer anyAuthenticatedPeer() {
    return (peer, intentions) -> true;
  }
}

/** The default, one instance, so that it can be told from others. */
enum ByIntentions implements PeerAuthorizer {
  INSTANCE;

  @Override
  public boolean isAuthorized(MeshPeer peer, Decision intentions) {
    return intentions.isAllowed();
  }
}
