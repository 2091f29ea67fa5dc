package io.meshnative;

/** Where a {@link MeshClient} stands. */
public enum MeshState {
  /** No identity, roots or policy yet: nothing is dialled and nobody is accepted. */
  STARTING,
  /** Identity, roots and policy are held, and the control plane answers. */
  READY,
  /**
   * As {@link #READY}, but the control plane does not answer, or what it says cannot be used: the
   * last good state goes on.
   */
  STALE,
  /**
   * The identity has ended, or has not begun by a clock that was set back, or the stale policy's
   * time has ended: everything is denied until the control plane answers.
   */
  EXPIRED,
  /** The client was closed. */
  CLOSED
}
