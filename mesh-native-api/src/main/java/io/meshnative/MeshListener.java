package io.meshnative;

/**
 * Hears what happens. Events come in order, one at a time, on a thread of the library: return
 * quickly. What a listener throws is logged and does not reach the library.
 */
@FunctionalInterface
public interface MeshListener {
  /**
   * Takes an event.
   *
   * @param event what happened
   */
  void onEvent(MeshEvent event);
}
