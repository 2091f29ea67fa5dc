package io.meshnative.testkit;

import io.meshnative.testkit.internal.AgentServer;
import io.meshnative.testkit.internal.Json;
import io.meshnative.testkit.internal.JsonObject;
import io.meshnative.testkit.internal.JwtAuthMethod;
import io.meshnative.testkit.internal.Plane;
import io.meshnative.testkit.internal.PlaneSettings;
import io.meshnative.testkit.internal.SkewedClock;
import java.net.URI;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A Consul control plane in the process: one agent's HTTP API on loopback, with a certificate
 * authority, intentions and a catalog behind it.
 *
 * <pre>{@code
 * try (EmbeddedControlPlane plane = EmbeddedControlPlane.start()) {
 *   plane.allow("web", "billing").deny("*", "billing");
 *   plane.register("billing", "billing-1", "127.0.0.1", 9443);
 *   // point the client at plane.httpAddr(), as CONSUL_HTTP_ADDR
 *   plane.rotateRoot();
 * }
 * }</pre>
 *
 * <p>It answers as Consul 1.10.3 does on an agent with ACLs off, down to error texts and to which
 * blocking query wakes for what; {@link Builder#mimic} chooses 1.8.7. Whatever is written here or
 * over HTTP is seen by the next request, and wakes the blocking queries that it concerns. What it
 * lacks: several nodes and datacenters, peering, gateways, gRPC, HTTP/2.
 *
 * <p>Thread-safe. No method waits for a client; {@link #rotateRoot()} and the certificate methods
 * make keys and signatures on the calling thread. For tests only: private keys cross an open port.
 */
public final class EmbeddedControlPlane implements AutoCloseable {
  private final Plane plane;
  private final AgentServer server;
  private final Faults faults;

  private EmbeddedControlPlane(Builder builder) {
    PlaneSettings settings =
        new PlaneSettings(
            builder.datacenter,
            builder.version,
            builder.caKeyType,
            new SkewedClock(builder.clock),
            builder.leafTtl,
            builder.leafJitter,
            builder.maxWait,
            builder.defaultAllow,
            builder.acls,
            builder.token,
            builder.rotationDefect,
            builder.streaming,
            builder.ignoredDefaultDeny,
            builder.tlsDirectory,
            builder.verifyIncoming,
            builder.unixSocket,
            builder.port);
    this.plane = new Plane(settings, new Random());
    this.server = new AgentServer(plane);
    this.faults = new Faults(plane, server);
  }

  /**
   * Starts a plane as a development agent is: ACLs off, so that what no intention speaks of is
   * allowed; datacenter dc1; a free port.
   *
   * @throws java.io.UncheckedIOException if it cannot listen
   */
  public static EmbeddedControlPlane start() {
    return builder().start();
  }

  /** Starts with a choice. */
  public static Builder builder() {
    return new Builder();
  }

  /** Where the agent's API is, for example {@code http://127.0.0.1:41873}. */
  public URI address() {
    return URI.create("http://" + httpAddr());
  }

  /** The value for {@code CONSUL_HTTP_ADDR}, for example {@code 127.0.0.1:41873}. */
  public String httpAddr() {
    return "127.0.0.1:" + server.port();
  }

  /**
   * Where the agent's API is with TLS, for example {@code https://127.0.0.1:41874}; the server's
   * certificate names {@code localhost}, {@code 127.0.0.1} and {@code server.dc1.consul}.
   *
   * @throws IllegalStateException if the plane was built without {@link Builder#tls}
   */
  public URI httpsAddress() {
    TlsFiles unused = tlsFiles();
    return URI.create("https://127.0.0.1:" + server.tlsPort());
  }

  /**
   * The PEM files that a client needs for {@link #httpsAddress()}.
   *
   * @throws IllegalStateException if the plane was built without {@link Builder#tls}
   */
  public TlsFiles tlsFiles() {
    TlsFiles files = server.tlsFiles();
    if (files == null) {
      throw new IllegalStateException(
          "this plane speaks plain HTTP only: build it with tls(directory) for TLS");
    }
    return files;
  }

  /** The datacenter. */
  public String datacenter() {
    return plane.settings.datacenter();
  }

  // Intentions

  /** Allows a source to reach a destination; {@code *} stands for any. Replaces what was there. */
  public EmbeddedControlPlane allow(String source, String destination) {
    return put(source, destination, "allow");
  }

  /** Denies a source to reach a destination; {@code *} stands for any. Replaces what was there. */
  public EmbeddedControlPlane deny(String source, String destination) {
    return put(source, destination, "deny");
  }

  private EmbeddedControlPlane put(String source, String destination, String action) {
    requireNames(source, destination);
    plane.intentions.put(source, destination, action, null, "", Map.of(), false);
    return this;
  }

  /**
   * Has requests decided by permissions.
   *
   * @param permissionsJson the array as in Consul's API, for example {@code [{"Action":"allow",
   *     "HTTP":{"PathPrefix":"/v1/","Methods":["GET"]}}]}; stored as it is, so that it may be
   *     wrong, and whatever protocol the destination speaks
   * @throws IllegalArgumentException if it is not a JSON array with something in it, if the
   *     destination is {@code *}, which Consul refuses, or if this plane imitates 1.8
   */
  public EmbeddedControlPlane intention(String source, String destination, String permissionsJson) {
    requireNames(source, destination);
    if (destination.equals("*")) {
      throw new IllegalArgumentException(
          "permissions need an exact destination; Consul refuses them for *");
    }
    if (plane.settings.old()) {
      throw new IllegalArgumentException("Consul 1.8 knows no permissions; mimic 1.10 for them");
    }
    if (!(parse(permissionsJson) instanceof List<?> permissions) || permissions.isEmpty()) {
      throw new IllegalArgumentException(
          "permissions are a JSON array with at least one object, not: " + permissionsJson);
    }
    plane.intentions.put(source, destination, null, permissions, "", Map.of(), false);
    return this;
  }

  /**
   * Serves an intention exactly as given among those of a destination, whatever it holds.
   *
   * <p>{@code SourceName} says what it replaces and what {@link #remove} takes; without one it is
   * {@code *}. {@code Precedence} gives it its place; without one the names do. {@code authorize}
   * reads its {@code Action} and whether it has {@code Permissions}, and denies without either.
   *
   * @throws IllegalArgumentException if it is not a JSON object
   */
  public EmbeddedControlPlane rawIntention(String destination, String json) {
    requireName("destination", destination);
    try {
      JsonObject object = JsonObject.parse(json);
      String source = object.text("SourceName").isEmpty() ? "*" : object.text("SourceName");
      plane.intentions.putRaw(source, destination, object.fields());
    } catch (Json.MalformedJson e) {
      throw new IllegalArgumentException("an intention is a JSON object, not: " + json, e);
    }
    return this;
  }

  /** Removes an intention by its exact names. Does nothing if there is none. */
  public EmbeddedControlPlane remove(String source, String destination) {
    requireNames(source, destination);
    plane.intentions.remove(source, destination);
    return this;
  }

  /** Removes every intention. */
  public EmbeddedControlPlane removeIntentions() {
    plane.intentions.clear();
    return this;
  }

  /**
   * Changes what happens where no intention matches, as if the agent came back with ACLs on and
   * {@code default_policy = "deny"}, or with ACLs off. Wakes no blocking query, as in Consul.
   */
  public EmbeddedControlPlane defaultAllow(boolean allow) {
    plane.defaultAllow(allow);
    return this;
  }

  /**
   * Writes a config entry of another kind than intentions, in place of one of the same name: {@code
   * service-defaults}, {@code proxy-defaults}, {@code service-router}, {@code service-splitter},
   * {@code service-resolver}, {@code mesh}. Discovery chains are compiled from them.
   *
   * <pre>{@code
   * plane.configEntry("{\"Kind\":\"service-defaults\",\"Name\":\"api\",\"Protocol\":\"http\"}");
   * }</pre>
   *
   * @throws IllegalArgumentException with Consul's own text if Consul would refuse it
   */
  public EmbeddedControlPlane configEntry(String json) {
    plane.config.put(json);
    return this;
  }

  private static Object parse(String json) {
    try {
      Object tree = Json.read(json);
      return tree == null ? "null" : tree;
    } catch (Json.MalformedJson e) {
      throw new IllegalArgumentException("not JSON: " + json, e);
    }
  }

  private static void requireNames(String source, String destination) {
    requireName("source", source);
    requireName("destination", destination);
  }

  private static void requireName(String what, String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("the " + what + " of an intention needs a name, or *");
    }
    if (name.contains("*") && !name.equals("*")) {
      throw new IllegalArgumentException(
          "* stands alone; the " + what + " '" + name + "' cannot be part of a name");
    }
    if (name.contains("/") || name.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          "the "
              + what
              + " '"
              + name
              + "' is no service name: it holds a / or a control character");
    }
  }

  // Certificates

  /** The trust domain: a random UUID and {@code .consul}, the same for the life of the plane. */
  public String trustDomain() {
    return plane.ca.trustDomain();
  }

  /** The certificates of the roots that are listed, the active one first. Unmodifiable. */
  public List<X509Certificate> roots() {
    return plane.ca.rootCertificates();
  }

  /** The authority that signs now, with the cross-signed certificates that go with its leaves. */
  public MeshTestAuthority authority() {
    return plane.ca.active();
  }

  /**
   * Issues a certificate from the root that is active now, so that a test can be the peer. The
   * agent's own cached leaves are not touched.
   */
  public IssuedCertificate caIssue(LeafSpec spec) {
    return authority().issue(spec);
  }

  /** Issues a certificate for a service in this plane's datacenter, as the agent would. */
  public IssuedCertificate caIssue(String service) {
    return caIssue(
        LeafSpec.service(service).datacenter(datacenter()).life(plane.settings.leafTtl()));
  }

  /** Rotates to a new root with a key of the type that the plane was built with. */
  public EmbeddedControlPlane rotateRoot() {
    return rotateRoot(plane.settings.caKeyType());
  }

  /**
   * Rotates as Consul does: a new root with a new key is active, the old one stays listed, a
   * certificate for the new key signed by the old root goes into {@code IntermediateCerts} and with
   * each new leaf. Watches of the roots wake at once. Leaves come later, each after a random part
   * of {@link Builder#leafJitter}, when they are asked for or watched.
   */
  public EmbeddedControlPlane rotateRoot(KeyType keyType) {
    plane.ca.rotate(keyType);
    return this;
  }

  /** Drops every root but the active one from the list. */
  public EmbeddedControlPlane removeOldRoots() {
    plane.ca.removeOldRoots();
    return this;
  }

  /** Replaces every leaf that the agent has cached, without a rotation. */
  public EmbeddedControlPlane reissueLeaves() {
    plane.ca.reissueLeaves();
    return this;
  }

  // Catalog

  /** Registers a healthy instance of a mesh-native service. */
  public EmbeddedControlPlane register(String name, String id, String address, int port) {
    return register(ServiceRow.nativeService(name, id, address, port));
  }

  /** Registers a healthy sidecar proxy in front of a service. */
  public EmbeddedControlPlane registerSidecar(String name, String id, String address, int port) {
    return register(ServiceRow.sidecar(name, id, address, port));
  }

  /** Registers an instance, in place of one of the same id. */
  public EmbeddedControlPlane register(ServiceRow row) {
    plane.catalog.register(row);
    return this;
  }

  /** Removes an instance. Does nothing if there is none. */
  public EmbeddedControlPlane deregister(String id) {
    boolean unused = plane.catalog.deregister(id);
    return this;
  }

  /**
   * Sets every check of an instance.
   *
   * @param status {@code passing}, {@code warning} or {@code critical}
   * @throws IllegalArgumentException if there is no such status or no such instance
   */
  public EmbeddedControlPlane setHealth(String id, String status) {
    ServiceRow.requireStatus(status);
    if (!plane.catalog.setHealth(id, status)) {
      throw new IllegalArgumentException("no instance with the id '" + id + "' is registered");
    }
    return this;
  }

  // Tokens

  /** The token that may do everything; empty where ACLs are off and none is needed. */
  public String token() {
    return plane.acl.enabled() ? plane.settings.managementToken() : "";
  }

  /**
   * Makes the token that a mesh service should have: with the identity of the service, which may
   * register it, get its leaf, decide for it and see everybody else.
   *
   * @return the secret
   * @throws IllegalStateException if ACLs are off
   */
  public String serviceToken(String service) {
    requireName("service", service);
    return plane.acl.create(List.of(service), "");
  }

  /**
   * Makes a token with rules in Consul's own form.
   *
   * @param rules for example {@code service "billing" { policy = "write" }}; empty for a token
   *     without any rights
   * @return the secret
   * @throws IllegalArgumentException if the rules cannot be read
   * @throws IllegalStateException if ACLs are off
   */
  public String tokenWithRules(String rules) {
    return plane.acl.create(List.of(), rules);
  }

  /** Destroys a token, as a logout or an operator does. Does nothing if there is none. */
  public EmbeddedControlPlane destroyToken(String secret) {
    boolean unused = plane.acl.destroy(secret);
    return this;
  }

  /**
   * Lets workloads log in with a JWT, whose claim {@code claim} names the service that they are.
   *
   * @param method the name of the auth method
   * @param publicKeyPem the RSA or EC key that proves the tokens
   * @param issuer what {@code iss} has to be
   * @param audience what {@code aud} has to name
   * @param claim for example {@code service}
   * @param life how long a token of a login lives
   * @throws IllegalStateException if ACLs are off
   */
  public EmbeddedControlPlane jwtLogin(
      String method,
      String publicKeyPem,
      String issuer,
      String audience,
      String claim,
      Duration life) {
    plane.acl.addJwtMethod(
        new JwtAuthMethod(
            method,
            "",
            List.of(publicKeyPem),
            issuer,
            List.of(audience),
            Map.of(claim, "service_name"),
            Map.of(),
            life,
            "local",
            1),
        "value.service_name != \"\"",
        "${value.service_name}");
    return this;
  }

  // Trouble

  /** What can be made to go wrong. */
  public Faults faults() {
    return faults;
  }

  /** Resets every open connection; new ones are served. */
  public EmbeddedControlPlane cut() {
    server.cut();
    return this;
  }

  /**
   * Does as an agent that restarts and comes back with its data: every connection is cut, every
   * index starts low again, cached leaves are gone, so that the next request gets a new one. Roots,
   * intentions and catalog stay.
   */
  public EmbeddedControlPlane restart() {
    // Cut first, so that no blocked call is answered from the other side of the restart.
    server.cut();
    plane.restart();
    return this;
  }

  /**
   * How many requests have come in whose path starts like this, blocked ones included, so that a
   * test can see that nothing spins.
   *
   * @param pathPrefix for example {@code /v1/health/}; {@code /} for all
   */
  public long requests(String pathPrefix) {
    return server.requests(pathPrefix);
  }

  /** How many calls are blocked now, so that a test can wait until its watch stands. */
  public int blockedCalls() {
    return plane.index.waiting();
  }

  /** How many connections are open. */
  public int openConnections() {
    return server.openConnections();
  }

  /** Cuts every connection, ends every blocked call and frees the port. May be called again. */
  @Override
  public void close() {
    server.close();
  }

  /** Says where it listens and what it imitates. */
  @Override
  public String toString() {
    return "EmbeddedControlPlane["
        + httpAddr()
        + ", Consul "
        + plane.settings.version().text()
        + ", "
        + trustDomain()
        + "]";
  }

  /** Collects the choices for a plane. Not thread-safe. */
  public static final class Builder {
    private String datacenter = "dc1";
    private ConsulVersion version = ConsulVersion.V1_10;
    private KeyType caKeyType = KeyType.EC_P256;
    private Clock clock = Clock.systemUTC();
    private Duration leafTtl = Duration.ofDays(3);
    private Duration leafJitter = Duration.ofMillis(200);
    private Duration maxWait = Duration.ofMinutes(10);
    private boolean defaultAllow = true;
    private boolean acls;
    private String token = UUID.randomUUID().toString();
    private boolean rotationDefect;
    private boolean streaming = true;
    private boolean ignoredDefaultDeny;
    private @Nullable Path tlsDirectory;
    private boolean verifyIncoming;
    private @Nullable Path unixSocket;
    private int port;

    private Builder() {}

    /**
     * What happens where no intention matches. Default true, as with ACLs off; false behaves as
     * with ACLs on, {@code default_policy = "deny"} and a token that may do everything; {@link
     * #acls} has callers show one.
     */
    public Builder defaultAllow(boolean value) {
      this.defaultAllow = value;
      return this;
    }

    /**
     * Whether tokens are asked for, as with {@code acl.enabled}. Default false. The default policy
     * is then what {@link #defaultAllow} says; a mesh that means it takes {@code
     * defaultAllow(false)}.
     */
    public Builder acls(boolean value) {
      this.acls = value;
      return this;
    }

    /**
     * The secret of the token that may do everything, which {@link EmbeddedControlPlane#token()}
     * shows. Default a random one. Matters with {@link #acls} only.
     */
    public Builder token(String secret) {
      if (secret.isBlank()) {
        throw new IllegalArgumentException(
            "an empty secret would give everything to the anonymous token");
      }
      this.token = secret;
      return this;
    }

    /**
     * Whether the agent has the defect of 1.8.7 and 1.10.3: a leaf that one rotation renewed is not
     * renewed by later ones, however it is asked for, unless with another token. Default false.
     */
    public Builder mimicRotationDefect(boolean value) {
      this.rotationDefect = value;
      return this;
    }

    /**
     * Whether the agent has {@code use_streaming_backend}, as 1.10 has unless told otherwise; 1.8
     * knows no such thing. Default true. Without it, health queries of callers who may not see the
     * service do not block, whatever they ask for; with it, blocking and cached health answers know
     * no leader.
     */
    public Builder streaming(boolean value) {
      this.streaming = value;
      return this;
    }

    /**
     * Whether the agent's configuration says {@code default_policy = "deny"} with ACLs off, where
     * it has no effect: the answers' headers claim a default of deny, and what no intention speaks
     * of is allowed nevertheless. Default false.
     *
     * @throws IllegalStateException from {@link #start()} together with {@link #acls} or {@link
     *     #defaultAllow defaultAllow(false)}, which mean it
     */
    public Builder ignoredDefaultDeny(boolean value) {
      this.ignoredDefaultDeny = value;
      return this;
    }

    /**
     * Serves the API with TLS, too, on a port of its own and by a certificate of an authority that
     * is made for this plane. See {@link EmbeddedControlPlane#httpsAddress()}.
     *
     * @param directory where the PEM files for clients go; it has to exist, and stays
     */
    public Builder tls(Path directory) {
      this.tlsDirectory = directory;
      return this;
    }

    /**
     * Whether TLS asks clients for a certificate of the agent's authority, as {@code
     * verify_incoming} does. Default false. Matters with {@link #tls} only.
     */
    public Builder verifyIncoming(boolean value) {
      this.verifyIncoming = value;
      return this;
    }

    /**
     * Listens on a unix socket, too, as Nomad's bridge networking does: a plain relay of bytes, to
     * the TLS port where there is one, so that clients speak TLS inside.
     *
     * @param path where nothing is yet; short, for systems allow about 100 bytes
     */
    public Builder unixSocket(Path path) {
      this.unixSocket = path;
      return this;
    }

    /** The datacenter. Default {@code dc1}. */
    public Builder datacenter(String value) {
      if (!value.matches("[a-z0-9_-]+")) {
        throw new IllegalArgumentException(
            "a datacenter is named with a-z, 0-9, - and _, not '" + value + "'");
      }
      this.datacenter = value;
      return this;
    }

    /**
     * How long leaves live. Default 72 hours; Consul's least is one hour, this goes down to
     * seconds. The agent renews a leaf at a random moment between 60 and 90 % of its life.
     */
    public Builder leafTtl(Duration value) {
      if (value.compareTo(Duration.ofSeconds(1)) < 0) {
        throw new IllegalArgumentException("leaves live at least one second, not " + value);
      }
      this.leafTtl = value;
      return this;
    }

    /**
     * After a rotation each leaf is replaced after a random time up to this, in real time. Default
     * 200 ms, where Consul takes 30 s; zero for at once.
     */
    public Builder leafJitter(Duration value) {
      if (value.isNegative()) {
        throw new IllegalArgumentException("a delay cannot be negative: " + value);
      }
      this.leafJitter = value;
      return this;
    }

    /** The type of the roots' keys. Default {@link KeyType#EC_P256}. */
    public Builder caKeyType(KeyType value) {
      this.caKeyType = value;
      return this;
    }

    /**
     * What time it is for certificates, their renewal and TTL checks. A blocked call notices within
     * half a second that a test's clock moved. How long a call blocks is always real time.
     */
    public Builder clock(Clock value) {
      this.clock = value;
      return this;
    }

    /** Which release to imitate. Default {@link ConsulVersion#V1_10}. */
    public Builder mimic(ConsulVersion value) {
      this.version = value;
      return this;
    }

    /**
     * The longest that a call blocks, whatever it asks for. Default ten minutes, as in Consul. To
     * return early is always right, so a client must take a short one well.
     */
    public Builder maxWait(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("the longest wait must be positive, not " + value);
      }
      this.maxWait = value;
      return this;
    }

    /** The port on 127.0.0.1. Default 0: one that is free. */
    public Builder port(int value) {
      if (value < 0 || value > 65_535) {
        throw new IllegalArgumentException("no such port: " + value);
      }
      this.port = value;
      return this;
    }

    /**
     * Starts the plane.
     *
     * @throws java.io.UncheckedIOException if it cannot listen
     */
    public EmbeddedControlPlane start() {
      if (ignoredDefaultDeny && (acls || !defaultAllow)) {
        throw new IllegalStateException(
            "a default of deny is ignored only where ACLs are off: leave acls and defaultAllow as"
                + " they are, or leave out ignoredDefaultDeny");
      }
      return new EmbeddedControlPlane(this);
    }
  }
}
