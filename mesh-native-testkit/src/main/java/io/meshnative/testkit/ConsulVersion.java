package io.meshnative.testkit;

/** Which Consul release the embedded control plane imitates where releases differ on the wire. */
public enum ConsulVersion {
  /**
   * Consul 1.8: intentions are objects with an id, {@code intentions/match} blocks but carries no
   * {@code X-Consul-Index}, no response names the default policy, intentions have no permissions.
   */
  V1_8("1.8.7"),
  /**
   * Consul 1.10, the default: intentions live in config entries and may carry permissions, {@code
   * intentions/match} carries an index, responses carry {@code X-Consul-Default-Acl-Policy} and
   * {@code X-Consul-Query-Backend}.
   */
  V1_10("1.10.3");

  private final String text;

  ConsulVersion(String text) {
    this.text = text;
  }

  /** The full version as the agent reports it, for example {@code 1.10.3}. */
  public String text() {
    return text;
  }
}
