package io.meshnative.fuzz;

/** What all targets share. */
final class Targets {
  private Targets() {}

  /** Throws an error, so that no parser's own handler catches it. */
  static void require(boolean holds, String property) {
    if (!holds) {
      throw new AssertionError("broken: " + property);
    }
  }
}
