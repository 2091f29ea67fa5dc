package io.meshnative.tests;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * An Envoy beside a service, configured as Consul's control plane does it, with certificates of the
 * agent. One that is inbound ends mutual TLS for an application that speaks plain text; one that is
 * outbound carries what a plain caller on loopback sends to one service.
 *
 * <pre>{@code
 * EnvoySidecar db = cast.keep(EnvoySidecar.inbound(plane, "db", Protocol.HTTP1, app.port()).start());
 * db.register();
 * EnvoySidecar web = cast.keep(EnvoySidecar.outbound(plane, "web", "db", Protocol.HTTP1, port).start());
 * connect(web.port());
 * }</pre>
 *
 * <p>Its certificate, the roots and its listener are files that Envoy watches: {@link #renewLeaf},
 * {@link #followRoots} and {@link #enforce} change them while it runs, and come back when it has
 * taken over the new ones.
 */
final class EnvoySidecar implements AutoCloseable {
  /** What the service speaks. */
  enum Protocol {
    TCP,
    HTTP1,
    HTTP2;

    /** What Consul lets a listener offer, from 1.14 on. */
    List<String> alpn() {
      return switch (this) {
        case TCP -> List.of();
        case HTTP1 -> List.of("http/1.1");
        case HTTP2 -> List.of("h2", "http/1.1");
      };
    }
  }

  private static final String CLUSTER = "target";

  private final Builder asked;
  private final int port;
  private final EnvoyIdentity identity;
  private final EnvoyProcess process;
  private String registered = "";

  private EnvoySidecar(Builder asked) throws IOException {
    this.asked = asked;
    this.port = Ports.reserve();
    Path directory = EnvoyProcess.newDirectory();
    this.identity = EnvoyIdentity.fetch(asked.plane, asked.service, directory);
    writeListener(directory, asked.intentions, asked.byDefault);
    this.process =
        EnvoyProcess.start(
            directory,
            Map.of(
                "static_resources",
                Map.of("clusters", List.of(cluster(directory))),
                "dynamic_resources",
                Map.of(
                    "lds_config",
                    Map.of(
                        "resource_api_version",
                        "V3",
                        "path_config_source",
                        Map.of("path", listenerFile(directory).toString())))));
  }

  /** How a sidecar is started; nothing is denied unless it is told to {@link #enforcing}. */
  static final class Builder {
    private final Plane plane;
    private final String service;
    private final String destination;
    private final Protocol protocol;
    private final List<Integer> ports;
    private List<Intention> intentions = List.of();
    private DefaultDecision byDefault = DefaultDecision.ALLOW;
    private String newestTls = "";
    private boolean fresh;

    private Builder(
        Plane plane, String service, String destination, Protocol protocol, List<Integer> ports) {
      this.plane = plane;
      this.service = service;
      this.destination = destination;
      this.protocol = protocol;
      this.ports = ports;
    }

    private boolean inbound() {
      return destination.isEmpty();
    }

    /**
     * What an inbound one decides by: of connections where the protocol is TCP, else of requests.
     */
    Builder enforcing(List<Intention> value, DefaultDecision otherwise) {
      intentions = value;
      byDefault = otherwise;
      return this;
    }

    /** The newest version of TLS that an outbound one speaks, such as {@code TLSv1_2}. */
    Builder newestTls(String value) {
      newestTls = value;
      return this;
    }

    /** Each request over HTTP goes on over a connection of its own. */
    Builder freshConnections() {
      fresh = true;
      return this;
    }

    EnvoySidecar start() throws IOException {
      return new EnvoySidecar(this);
    }
  }

  /** In front of a plain application of this service, which listens on a port of loopback. */
  static Builder inbound(Plane plane, String service, Protocol protocol, int application) {
    return new Builder(plane, service, "", protocol, List.of(application));
  }

  /** For plain callers of this service, to the instances of a destination on ports of loopback. */
  static Builder outbound(
      Plane plane, String service, String destination, Protocol protocol, Integer... instances) {
    return new Builder(plane, service, destination, protocol, List.of(instances));
  }

  /** Where it listens on loopback: mutual TLS if inbound, plain if outbound. */
  int port() {
    return port;
  }

  EnvoyProcess process() {
    return process;
  }

  EnvoyIdentity identity() {
    return identity;
  }

  // ---- what it is configured with ----

  private static Path listenerFile(Path directory) {
    return directory.resolve("listener.json");
  }

  private void writeListener(
      Path directory, List<Intention> intentions, DefaultDecision byDefault) {
    List<Map<String, Object>> filters =
        asked.inbound() ? inboundFilters(intentions, byDefault) : outboundFilters();
    Map<String, Object> tls =
        asked.inbound() ? EnvoyConfig.serverTls(directory, asked.protocol.alpn()) : Map.of();
    EnvoyJson.replace(
        listenerFile(directory),
        EnvoyJson.resources(
            EnvoyJson.typed(
                "config.listener.v3.Listener",
                EnvoyConfig.listener("listener", port, filters, tls))));
  }

  private List<Map<String, Object>> inboundFilters(
      List<Intention> intentions, DefaultDecision byDefault) {
    if (asked.protocol == Protocol.TCP) {
      return List.of(
          EnvoyConfig.networkRbac(EnvoyRbac.ofConnections(intentions, byDefault)),
          EnvoyConfig.tcpProxy(CLUSTER));
    }
    return List.of(
        EnvoyConfig.connectionManager(
            "public_listener",
            EnvoyConfig.everythingTo(CLUSTER),
            List.of(EnvoyConfig.httpRbac(EnvoyRbac.ofRequests(intentions, byDefault))),
            EnvoyConfig.forwardedCertificate()));
  }

  private List<Map<String, Object>> outboundFilters() {
    if (asked.protocol == Protocol.TCP) {
      return List.of(EnvoyConfig.tcpProxy(CLUSTER));
    }
    return List.of(
        EnvoyConfig.connectionManager(
            "upstream", EnvoyConfig.everythingTo(CLUSTER), List.of(), Map.of()));
  }

  private Map<String, Object> cluster(Path directory) throws IOException {
    Map<String, Object> tls = Map.of();
    if (!asked.inbound()) {
      String domain = asked.plane.trustDomain();
      tls =
          EnvoyConfig.clientTls(
              directory,
              "spiffe://" + domain + "/ns/default/dc/dc1/svc/" + asked.destination,
              asked.destination + ".default.dc1.internal." + domain,
              asked.newestTls);
    }
    Map<String, Object> http =
        switch (asked.protocol) {
          case TCP -> Map.of();
          case HTTP1 -> EnvoyConfig.httpOptions(false, asked.fresh);
          case HTTP2 -> EnvoyConfig.httpOptions(true, asked.fresh);
        };
    return EnvoyConfig.cluster(CLUSTER, asked.ports, http, tls);
  }

  // ---- what changes while it runs ----

  /** Takes a new certificate from the agent. */
  void renewLeaf() throws IOException {
    long before = process.stat("sds.leaf.update_success");
    identity.replaceLeaf();
    Cast.await("Envoy has the leaf", () -> process.stat("sds.leaf.update_success") > before);
  }

  /** Takes over the roots that the agent holds now. */
  void followRoots() throws IOException {
    long before = process.stat("sds.roots.update_success");
    identity.replaceRoots();
    Cast.await("Envoy has the roots", () -> process.stat("sds.roots.update_success") > before);
  }

  /** Takes over these intentions, as Consul's control plane would after a change. */
  void enforce(List<Intention> intentions, DefaultDecision byDefault) throws IOException {
    long before = process.stat("listener_manager.lds.update_success");
    writeListener(process.directory(), intentions, byDefault);
    Cast.await(
        "Envoy has the listener",
        () -> {
          if (process.stat("listener_manager.lds.update_rejected") > 0) {
            throw new AssertionError("Envoy refused the listener: " + process.log());
          }
          return process.stat("listener_manager.lds.update_success") > before
              && process.stat("listener_manager.total_listeners_warming") == 0;
        });
  }

  /** Enters an inbound one into the catalog, as the sidecar proxy of its service. */
  void register() throws IOException {
    registered = asked.service + "-sidecar-proxy-" + port;
    asked
        .plane
        .api()
        .require(
            "PUT",
            "/v1/agent/service/register",
            EnvoyJson.text(
                Map.of(
                    "Kind",
                    "connect-proxy",
                    "Name",
                    asked.service + "-sidecar-proxy",
                    "ID",
                    registered,
                    "Address",
                    "127.0.0.1",
                    "Port",
                    port,
                    "Proxy",
                    Map.of("DestinationServiceName", asked.service))));
  }

  @Override
  public void close() throws IOException {
    try {
      if (!registered.isEmpty()) {
        asked.plane.deregister(registered);
      }
    } finally {
      process.close();
    }
  }
}
