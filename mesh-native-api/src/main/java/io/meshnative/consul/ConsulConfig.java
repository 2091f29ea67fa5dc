package io.meshnative.consul;

/** Placeholder until the adapter lands. */
public final class ConsulConfig {
  private ConsulConfig() {}

  /** Placeholder. */
  public static ConsulConfig fromEnvironment() {
    return new ConsulConfig();
  }
}
