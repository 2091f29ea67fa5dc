package io.meshnative.spring.boot;

import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties {@code mesh-native.*}.
 *
 * @param enabled whether the application is a member of the mesh; if not, nothing here starts
 * @param service the service's name in Consul; {@code spring.application.name} unless set
 * @param startup whether the application waits for its identity when it starts
 * @param startupTimeout how long it waits
 * @param shutdownDrain how long callers that are on their way are waited for when it stops, after
 *     it was hidden from the catalog
 * @param consul how the agent is reached; what is not set here is taken from Consul's environment
 *     variables
 * @param register how the service enters the catalog
 * @param server whether the web server serves the mesh
 * @param client which calls go into the mesh
 * @param security whether Spring Security knows peers
 * @param stale what serves while the control plane is away
 */
@ConfigurationProperties("mesh-native")
public record MeshProperties(
    @DefaultValue("true") boolean enabled,
    @Nullable String service,
    @DefaultValue("require") Startup startup,
    @DefaultValue("10s") Duration startupTimeout,
    @DefaultValue("2s") Duration shutdownDrain,
    @DefaultValue Consul consul,
    @DefaultValue Register register,
    @DefaultValue Server server,
    @DefaultValue Client client,
    @DefaultValue Security security,
    @DefaultValue Stale stale) {

  /** Whether the application waits for its identity when it starts. */
  public enum Startup {
    /** It fails to start if there is no identity in time. */
    REQUIRE,
    /** It starts unready, and becomes ready when there is an identity. */
    BACKGROUND
  }

  /**
   * How the agent is reached.
   *
   * @param address {@code host:port}, a URL, or {@code unix:///path}
   * @param token the ACL token; better a file
   * @param tokenFile a file that holds the ACL token; read again when it changes
   * @param caFile PEM certificates that the agent's own is proven by
   * @param clientCertificate a PEM certificate to show to the agent; with a key
   * @param clientKey its PEM key
   * @param tlsServerName the name that the agent's certificate must hold
   * @param namespace the namespace (Enterprise)
   * @param partition the partition (Enterprise)
   * @param allowPlaintext allows plain HTTP to an agent that is on another machine: keys cross this
   *     link
   */
  public record Consul(
      @Nullable String address,
      @Nullable String token,
      @Nullable Path tokenFile,
      @Nullable Path caFile,
      @Nullable Path clientCertificate,
      @Nullable Path clientKey,
      @Nullable String tlsServerName,
      @Nullable String namespace,
      @Nullable String partition,
      @DefaultValue("false") boolean allowPlaintext) {

    /** Returns where the agent is, never a token. */
    @Override
    public String toString() {
      return "Consul[address=" + address + ", token=" + (token == null ? "none" : "set") + "]";
    }
  }

  /**
   * How the service enters the catalog, once its servers listen.
   *
   * @param enabled whether it does
   * @param id the instance's id; the service's name and the port unless set
   * @param address the address for peers; the node's unless set
   * @param port the port for peers; unless set, that of a server of the mesh, else the web server's
   * @param tags the tags
   * @param meta the metadata
   * @param ttl how long a report of the application's health holds
   */
  public record Register(
      @DefaultValue("false") boolean enabled,
      @Nullable String id,
      @Nullable String address,
      @Nullable Integer port,
      @DefaultValue List<String> tags,
      Map<String, String> meta,
      @DefaultValue("15s") Duration ttl) {
    /** Copies the collections. */
    public Register {
      tags = List.copyOf(tags);
      meta = meta == null ? Map.of() : Map.copyOf(meta);
    }
  }

  /**
   * Whether the web server serves the mesh.
   *
   * @param mode beside its main connector, instead of it, or not
   * @param port where, beside the main connector; 0 for one that is free. Instead of it, {@code
   *     server.port} counts
   * @param address on which local address; that of {@code server.address} unless set
   */
  public record Server(
      @DefaultValue("off") Mode mode,
      @DefaultValue("8443") int port,
      @Nullable InetAddress address) {

    /** How the web server serves the mesh. */
    public enum Mode {
      /** Not at all. */
      OFF,
      /** On a port of its own, beside the main connector. */
      ADDITIONAL,
      /** Instead of the main connector. */
      PRIMARY
    }
  }

  /**
   * Which calls go into the mesh.
   *
   * @param enabled whether any do
   * @param hostSuffix hosts that end in it are services of the mesh
   * @param consulNames whether {@code db.service.consul} and {@code db.virtual.consul} are, too
   */
  public record Client(
      @DefaultValue("true") boolean enabled,
      @DefaultValue(".mesh") String hostSuffix,
      @DefaultValue("true") boolean consulNames) {}

  /**
   * Whether Spring Security knows peers.
   *
   * @param enabled whether a request's peer is its authentication, where Spring Security is there
   */
  public record Security(@DefaultValue("true") boolean enabled) {}

  /**
   * What serves while the control plane is away.
   *
   * @param intentions how long the last good intentions serve, then everything is denied; until the
   *     identity ends unless set
   */
  public record Stale(@Nullable Duration intentions) {}
}
