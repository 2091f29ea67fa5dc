package io.meshnative;

/**
 * The promise of a filter, valve or interceptor that it sees every request of a server, and asks
 * {@link MeshClient#admit} for each.
 *
 * <p>While the gate is not armed, a server context made with it behaves as a layer-4 one: peers
 * whose intention has layer-7 permissions are denied. Forgetting the filter is safe. Thread-safe.
 */
public interface RequestGate {

  /**
   * Opens the gate: from now on peers with layer-7 intentions may connect, and each request is
   * judged.
   */
  void arm();

  /** Closes the gate again; connections that only it had let through are cut. */
  void disarm();

  /**
   * Returns whether the gate is armed.
   *
   * @return true between {@link #arm()} and {@link #disarm()}
   */
  boolean isArmed();
}
