package io.meshnative.samples.quickstart;

/** Placeholder: shows that the command of the README runs, and nothing of the mesh yet. */
public final class Quickstart {
  private Quickstart() {}

  /**
   * Runs it.
   *
   * @param args unused
   */
  public static void main(String[] args) {
    System.out.println("quickstart: OK");
  }
}
