package io.meshnative.samples.operator;

import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/** The agent that a sample runs on: that of {@code CONSUL_HTTP_ADDR}, or one that it embeds. */
public final class SampleAgent implements AutoCloseable {
  private final @Nullable EmbeddedControlPlane embedded;
  private final ConsulConfig config;

  private SampleAgent(@Nullable EmbeddedControlPlane embedded, ConsulConfig config) {
    this.embedded = embedded;
    this.config = config;
  }

  /**
   * Takes the agent of the environment, or starts one.
   *
   * @return the agent
   */
  public static SampleAgent open() {
    String given = System.getenv("CONSUL_HTTP_ADDR");
    if (given != null && !given.isBlank()) {
      return new SampleAgent(null, ConsulConfig.fromEnvironment());
    }
    EmbeddedControlPlane plane = EmbeddedControlPlane.start();
    return new SampleAgent(
        plane, ConsulConfig.builder().address(plane.address().toString()).build());
  }

  /**
   * Returns how it is reached.
   *
   * @return the settings for clients
   */
  public ConsulConfig config() {
    return config;
  }

  /**
   * Returns who writes to it what applications do not.
   *
   * @return an operator; only for agents that are reached over HTTP, as development agents are
   */
  public Operator operator() {
    return new Operator(URI.create(config.address().toString()), config.currentToken().orElse(""));
  }

  @Override
  public void close() {
    if (embedded != null) {
      embedded.close();
    }
  }

  @Override
  public String toString() {
    return (embedded == null ? "the Consul agent at " : "embedded, at ") + config.address();
  }
}
