package io.meshnative.internal.consul;

import static java.util.stream.Collectors.joining;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulAddress;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.discovery.Destination;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.Registrar;
import io.meshnative.spi.TrustSource;
import java.util.Optional;
import java.util.random.RandomGenerator;

/**
 * A Consul agent as control plane of one service. Opening it connects to nothing; each source
 * begins when it is started. Its threads are daemons named {@code mesh-<service>-…}, one a watch.
 */
public final class ConsulControlPlane implements ControlPlane {
  private final ConsulConfig config;
  private final AgentClient client;
  private final Roots roots;
  private final Leaf leaf;
  private final Intentions intentions;
  private final Endpoints endpoints;
  private final ConsulRegistrar registrar;

  private ConsulControlPlane(Wiring wiring) {
    this.config = wiring.config();
    this.client = wiring.client();
    this.roots = new Roots(wiring);
    this.leaf = new Leaf(wiring, roots);
    this.intentions = new Intentions(wiring);
    this.endpoints = new Endpoints(wiring, roots, leaf);
    this.registrar = new ConsulRegistrar(wiring);
  }

  /**
   * Opens a control plane.
   *
   * @param config how to reach the agent
   * @param service the own service's name
   * @return the control plane; close it after use
   * @throws ControlPlaneException if the configuration cannot be used: unreadable TLS files
   * @throws IllegalArgumentException if the service's name is not one
   */
  public static ConsulControlPlane open(ConsulConfig config, String service)
      throws ControlPlaneException {
    return open(config, service, WatchClock.SYSTEM, new java.security.SecureRandom());
  }

  /**
   * Opens a control plane with time and chance of the caller's.
   *
   * @param config how to reach the agent
   * @param service the own service's name
   * @param clock time, as the watches see it
   * @param random for jitter; used by several threads
   * @return the control plane; close it after use
   * @throws ControlPlaneException if the configuration cannot be used
   * @throws IllegalArgumentException if the service's name is not one
   */
  public static ConsulControlPlane open(
      ConsulConfig config, String service, WatchClock clock, RandomGenerator random)
      throws ControlPlaneException {
    return open(config, service, clock, random, LeafGuard.Timing.DEFAULT);
  }

  static ConsulControlPlane open(
      ConsulConfig config,
      String service,
      WatchClock clock,
      RandomGenerator random,
      LeafGuard.Timing timing)
      throws ControlPlaneException {
    Destination.parse(service); // a name with '/' or '..' would ask for something else
    ConsulLogin login = config.login().orElse(null);
    LoginTokens[] made = new LoginTokens[1];
    AgentClient client =
        login == null
            ? new AgentClient(config)
            : new AgentClient(
                config,
                unfinished -> made[0] = new LoginTokens(unfinished, login, service, clock, random));
    client.owner(service);
    ConsulControlPlane plane =
        new ConsulControlPlane(new Wiring(config, client, service, clock, random, timing));
    if (made[0] != null) {
      made[0].dependents(plane.registrar::renew);
    }
    return plane;
  }

  @Override
  public IdentitySource identity() {
    return leaf;
  }

  @Override
  public TrustSource trust() {
    return roots;
  }

  @Override
  public IntentionSource intentions() {
    return intentions;
  }

  @Override
  public EndpointSource endpoints() {
    return endpoints;
  }

  @Override
  public Optional<Registrar> registrar() {
    return Optional.of(registrar);
  }

  /**
   * Returns the own datacenter, as the leaf names it.
   *
   * @return the datacenter, empty until a leaf has arrived
   */
  public Optional<String> datacenter() {
    return leaf.datacenter();
  }

  /**
   * Closes the sources and their threads, and logs out. What is registered stays so: deregister
   * before. Idempotent.
   */
  @Override
  public void close() {
    endpoints.close();
    intentions.close();
    leaf.close();
    roots.close();
    client.close();
  }

  /** Names the agent's address, or all of them, for the message of a client that is not ready. */
  @Override
  public String toString() {
    return "the Consul agent at "
        + config.addresses().stream().map(ConsulAddress::toString).collect(joining(" or "));
  }
}
