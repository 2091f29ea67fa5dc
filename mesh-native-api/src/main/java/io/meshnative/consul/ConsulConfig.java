package io.meshnative.consul;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How to reach a Consul agent, and with which rights.
 *
 * <pre>{@code
 * ConsulConfig.fromEnvironment()                     // CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, ...
 * ConsulConfig.builder().address("https://consul.example:8501").caFile(Path.of("ca.pem")).build()
 * ConsulConfig.builder().environment().allowPlaintext(true).build()     // explicit settings win
 * }</pre>
 *
 * <p>The private key of the service crosses the link to the agent. Plaintext HTTP is therefore
 * accepted to the own machine only, unless {@link Builder#allowPlaintext allowed}.
 *
 * <p>Immutable and thread-safe. {@link #toString()} shows no token and no password.
 */
public final class ConsulConfig {
  private final ConsulAddress address;
  private final @Nullable String token;
  private final @Nullable Path tokenFile;
  private final @Nullable String basicAuth;
  private final boolean verify;
  private final @Nullable Path caFile;
  private final @Nullable Path caDirectory;
  private final @Nullable Path clientCertificate;
  private final @Nullable Path clientKey;
  private final @Nullable String tlsServerName;
  private final @Nullable String namespace;
  private final @Nullable String partition;
  private final Set<String> toleratedIntentionFields;

  private ConsulConfig(Builder builder, ConsulAddress address) {
    this.address = address;
    this.token = builder.token.get();
    this.tokenFile = builder.tokenFile.get();
    this.basicAuth = builder.basicAuth.get();
    this.verify = !Boolean.FALSE.equals(builder.verify.get());
    this.caFile = builder.caFile.get();
    this.caDirectory = builder.caDirectory.get();
    this.clientCertificate = builder.clientCertificate.get();
    this.clientKey = builder.clientKey.get();
    this.tlsServerName = builder.tlsServerName.get();
    this.namespace = builder.namespace.get();
    this.partition = builder.partition.get();
    this.toleratedIntentionFields = Set.copyOf(builder.tolerated);
  }

  /**
   * Reads the environment of this process, as Consul's own clients do.
   *
   * <p>Read are {@code CONSUL_HTTP_ADDR} (127.0.0.1:8500 unless set), {@code CONSUL_HTTP_TOKEN},
   * {@code CONSUL_HTTP_TOKEN_FILE} (wins over the token), {@code CONSUL_HTTP_AUTH}, {@code
   * CONSUL_HTTP_SSL}, {@code CONSUL_HTTP_SSL_VERIFY}, {@code CONSUL_CACERT}, {@code CONSUL_CAPATH},
   * {@code CONSUL_CLIENT_CERT}, {@code CONSUL_CLIENT_KEY}, {@code CONSUL_TLS_SERVER_NAME}, {@code
   * CONSUL_NAMESPACE} and {@code CONSUL_PARTITION}. An empty variable counts as unset; one that
   * cannot be read fails, where Go's client would ignore it or, for {@code CONSUL_HTTP_SSL_VERIFY},
   * switch verification off.
   *
   * @return the configuration
   * @throws IllegalArgumentException if a variable holds what cannot be used; the message names it
   */
  public static ConsulConfig fromEnvironment() {
    return fromEnvironment(System.getenv());
  }

  /**
   * Reads an environment given as a map.
   *
   * @param environment names and values
   * @return the configuration
   * @throws IllegalArgumentException if a variable holds what cannot be used; the message names it
   * @see #fromEnvironment()
   */
  public static ConsulConfig fromEnvironment(Map<String, String> environment) {
    return builder().environment(environment).build();
  }

  /**
   * Starts a configuration that begins with nothing set: the agent at {@code
   * http://127.0.0.1:8500}, no token.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns where the agent listens.
   *
   * @return the address
   */
  public ConsulAddress address() {
    return address;
  }

  /**
   * Returns the ACL token to use now: the content of the {@link #tokenFile()} if one is set, read
   * by this call, else the token that was given. A secret: keep it out of logs. Blocks on the file
   * system.
   *
   * @return the token, empty if none is set
   * @throws IllegalArgumentException if the token file cannot be read or holds no token
   */
  public Optional<String> currentToken() {
    return tokenFile != null
        ? Optional.of(Secrets.readToken(tokenFile))
        : Optional.ofNullable(token);
  }

  /**
   * Returns the file that holds the ACL token. It is read again for each request, so that a changed
   * token is used from then on.
   *
   * @return the file, empty if none is set
   */
  public Optional<Path> tokenFile() {
    return Optional.ofNullable(tokenFile);
  }

  /**
   * Returns user and password for HTTP basic authentication. A secret: keep it out of logs.
   *
   * @return {@code user:password}, empty if none is set
   */
  public Optional<String> basicAuth() {
    return Optional.ofNullable(basicAuth);
  }

  /**
   * Returns whether the agent's certificate is verified.
   *
   * @return true unless switched off
   */
  public boolean verify() {
    return verify;
  }

  /**
   * Returns the file with the authorities that may vouch for the agent.
   *
   * @return a PEM file, empty if none is set
   */
  public Optional<Path> caFile() {
    return Optional.ofNullable(caFile);
  }

  /**
   * Returns the directory with the authorities that may vouch for the agent.
   *
   * @return a directory of PEM files, empty if none is set
   */
  public Optional<Path> caDirectory() {
    return Optional.ofNullable(caDirectory);
  }

  /**
   * Returns the certificate to show to the agent.
   *
   * @return a PEM file, leaf first; empty if none is set
   */
  public Optional<Path> clientCertificate() {
    return Optional.ofNullable(clientCertificate);
  }

  /**
   * Returns the key of {@link #clientCertificate()}.
   *
   * @return a PEM file; empty if none is set
   */
  public Optional<Path> clientKey() {
    return Optional.ofNullable(clientKey);
  }

  /**
   * Returns the name that the agent's certificate must bear instead of the address's host.
   *
   * @return the name, empty if none is set
   */
  public Optional<String> tlsServerName() {
    return Optional.ofNullable(tlsServerName);
  }

  /**
   * Returns the namespace (Consul Enterprise).
   *
   * @return the namespace, empty if none is set
   */
  public Optional<String> namespace() {
    return Optional.ofNullable(namespace);
  }

  /**
   * Returns the admin partition (Consul Enterprise).
   *
   * @return the partition, empty if none is set
   */
  public Optional<String> partition() {
    return Optional.ofNullable(partition);
  }

  /**
   * Returns the intention fields that are ignored although this version does not know them.
   *
   * @return an unmodifiable set of names
   */
  public Set<String> toleratedIntentionFields() {
    return toleratedIntentionFields;
  }

  /** Returns the address and which credentials are set, never their values. */
  @Override
  public String toString() {
    return "ConsulConfig["
        + address
        + (token != null || tokenFile != null ? ", with a token" : ", no token")
        + (basicAuth != null ? ", with basic auth" : "")
        + (clientCertificate != null ? ", with a client certificate" : "")
        + (verify ? "" : ", certificate NOT verified")
        + (namespace != null ? ", ns=" + namespace : "")
        + (partition != null ? ", ap=" + partition : "")
        + "]";
  }

  /** Builds a configuration. A setting given twice is refused. Not thread-safe. */
  public static final class Builder {
    private final Setting<String> address = new Setting<>("address");
    private final Setting<String> token = new Setting<>("token");
    private final Setting<Path> tokenFile = new Setting<>("tokenFile");
    private final Setting<String> basicAuth = new Setting<>("basicAuth");
    private final Setting<Boolean> tls = new Setting<>("tls");
    private final Setting<Boolean> verify = new Setting<>("verify");
    private final Setting<Path> caFile = new Setting<>("caFile");
    private final Setting<Path> caDirectory = new Setting<>("caDirectory");
    private final Setting<Path> clientCertificate = new Setting<>("clientCertificate");
    private final Setting<Path> clientKey = new Setting<>("clientKey");
    private final Setting<String> tlsServerName = new Setting<>("tlsServerName");
    private final Setting<String> namespace = new Setting<>("namespace");
    private final Setting<String> partition = new Setting<>("partition");
    private final Setting<Boolean> allowPlaintext = new Setting<>("allowPlaintext");
    private final Setting<Map<String, String>> environment = new Setting<>("environment");
    private final Set<String> tolerated = new java.util.LinkedHashSet<>();

    private Builder() {}

    /**
     * Sets where the agent listens.
     *
     * @param address {@code host:port}, {@code http://host:port[/prefix]}, {@code
     *     https://host:port[/prefix]} or {@code unix:///path}
     * @return this
     */
    public Builder address(String address) {
      this.address.set(address);
      return this;
    }

    /**
     * Sets the ACL token.
     *
     * @param token the token
     * @return this
     */
    public Builder token(String token) {
      this.token.set(Secrets.checkToken(token));
      return this;
    }

    /**
     * Sets the file that holds the ACL token. It wins over {@link #token}.
     *
     * @param file a file; white space around the token is ignored
     * @return this
     */
    public Builder tokenFile(Path file) {
      this.tokenFile.set(file);
      return this;
    }

    /**
     * Sets user and password for HTTP basic authentication.
     *
     * @param user the user, without a colon
     * @param password the password, maybe empty
     * @return this
     */
    public Builder basicAuth(String user, String password) {
      this.basicAuth.set(Secrets.checkBasicAuth(user, password));
      return this;
    }

    /**
     * Sets whether an address that does not begin with {@code https://} means HTTPS nevertheless.
     *
     * @param tls true for HTTPS
     * @return this
     */
    public Builder tls(boolean tls) {
      this.tls.set(tls);
      return this;
    }

    /**
     * Sets whether the agent's certificate is verified. Without, anyone on the path can hand out
     * identities and policy; a warning is logged.
     *
     * @param verify false switches verification off
     * @return this
     */
    public Builder verify(boolean verify) {
      this.verify.set(verify);
      return this;
    }

    /**
     * Sets the file with the authorities that may vouch for the agent. Where neither this nor
     * {@link #caDirectory} is set, the JDK's own authorities may.
     *
     * @param file a PEM file with one or more certificates
     * @return this
     */
    public Builder caFile(Path file) {
      this.caFile.set(file);
      return this;
    }

    /**
     * Sets the directory with the authorities that may vouch for the agent.
     *
     * @param directory a directory of PEM files
     * @return this
     */
    public Builder caDirectory(Path directory) {
      this.caDirectory.set(directory);
      return this;
    }

    /**
     * Sets what to show to an agent that asks for a certificate.
     *
     * @param certificate a PEM file, leaf first
     * @param key a PEM file
     * @return this
     */
    public Builder clientCertificate(Path certificate, Path key) {
      this.clientCertificate.set(certificate);
      this.clientKey.set(key);
      return this;
    }

    /**
     * Sets the name that the agent's certificate must bear, instead of the address's host.
     *
     * @param name a host name, such as {@code server.dc1.consul}
     * @return this
     */
    public Builder tlsServerName(String name) {
      this.tlsServerName.set(name);
      return this;
    }

    /**
     * Sets the namespace (Consul Enterprise). Consul's open-source agents refuse requests that name
     * one.
     *
     * @param namespace the namespace
     * @return this
     */
    public Builder namespace(String namespace) {
      this.namespace.set(namespace);
      return this;
    }

    /**
     * Sets the admin partition (Consul Enterprise).
     *
     * @param partition the partition
     * @return this
     */
    public Builder partition(String partition) {
      this.partition.set(partition);
      return this;
    }

    /**
     * Allows plaintext HTTP to an agent on another machine. The token and the service's private key
     * are then readable on the network.
     *
     * @param allow true to allow
     * @return this
     */
    public Builder allowPlaintext(boolean allow) {
      this.allowPlaintext.set(allow);
      return this;
    }

    /**
     * Ignores an intention field that this version does not know. Unknown fields otherwise deny the
     * destination, since they may be conditions. For an emergency; may be called for several names.
     *
     * @param name the field's name, as the agent writes it
     * @return this
     */
    public Builder tolerateIntentionField(String name) {
      if (!tolerated.add(Objects.requireNonNull(name, "name"))) {
        throw new IllegalStateException(
            "expected each tolerated field once, found " + name + " twice");
      }
      return this;
    }

    /**
     * Fills what is not set here from the environment of this process.
     *
     * @return this
     * @see ConsulConfig#fromEnvironment()
     */
    public Builder environment() {
      return environment(System.getenv());
    }

    /**
     * Fills what is not set here from an environment given as a map, when built.
     *
     * @param environment names and values; copied
     * @return this
     */
    public Builder environment(Map<String, String> environment) {
      this.environment.set(Map.copyOf(environment));
      return this;
    }

    /**
     * Makes the configuration.
     *
     * @return the configuration
     * @throws IllegalArgumentException if a setting cannot be used: the message names it
     */
    public ConsulConfig build() {
      Map<String, String> variables = environment.get();
      if (variables == null) {
        return checked(this);
      }
      // The builder stays as it was: built twice, it gives the same twice.
      Builder filled = new Builder();
      address.copyTo(filled.address);
      token.copyTo(filled.token);
      tokenFile.copyTo(filled.tokenFile);
      basicAuth.copyTo(filled.basicAuth);
      tls.copyTo(filled.tls);
      verify.copyTo(filled.verify);
      caFile.copyTo(filled.caFile);
      caDirectory.copyTo(filled.caDirectory);
      clientCertificate.copyTo(filled.clientCertificate);
      clientKey.copyTo(filled.clientKey);
      tlsServerName.copyTo(filled.tlsServerName);
      namespace.copyTo(filled.namespace);
      partition.copyTo(filled.partition);
      allowPlaintext.copyTo(filled.allowPlaintext);
      filled.tolerated.addAll(tolerated);
      filled.fill(new Environment(variables));
      return checked(filled);
    }

    private void fill(Environment variables) {
      boolean explicitToken = token.isSet() || tokenFile.isSet();
      address.orElse(variables.text("CONSUL_HTTP_ADDR"));
      if (!explicitToken) {
        token.orElse(variables.token("CONSUL_HTTP_TOKEN"));
        tokenFile.orElse(variables.path("CONSUL_HTTP_TOKEN_FILE"));
      }
      basicAuth.orElse(variables.basicAuth("CONSUL_HTTP_AUTH"));
      tls.orElse(variables.bool("CONSUL_HTTP_SSL"));
      verify.orElse(variables.bool("CONSUL_HTTP_SSL_VERIFY"));
      caFile.orElse(variables.path("CONSUL_CACERT"));
      caDirectory.orElse(variables.path("CONSUL_CAPATH"));
      if (!clientCertificate.isSet()) {
        clientCertificate.orElse(variables.path("CONSUL_CLIENT_CERT"));
        clientKey.orElse(variables.path("CONSUL_CLIENT_KEY"));
      }
      tlsServerName.orElse(variables.text("CONSUL_TLS_SERVER_NAME"));
      namespace.orElse(variables.text("CONSUL_NAMESPACE"));
      partition.orElse(variables.text("CONSUL_PARTITION"));
    }

    private static ConsulConfig checked(Builder b) {
      boolean tls = Boolean.TRUE.equals(b.tls.get());
      String text = b.address.get();
      ConsulAddress address;
      try {
        address = ConsulAddress.parse(text == null ? "127.0.0.1:8500" : text, tls);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("the address of the Consul agent: " + e.getMessage(), e);
      }
      if (address.scheme() == ConsulAddress.Scheme.HTTP
          && !address.isLoopback()
          && !Boolean.TRUE.equals(b.allowPlaintext.get())) {
        throw new IllegalArgumentException(
            "expected HTTPS or an agent on this machine, found "
                + address
                + ": the service's private key would cross the network in plaintext; use https://"
                + " (CONSUL_HTTP_SSL), or allowPlaintext(true) if the path is protected otherwise");
      }
      if (b.clientCertificate.isSet() != b.clientKey.isSet()) {
        throw new IllegalArgumentException(
            "expected both client certificate and key, found only the "
                + (b.clientKey.isSet()
                    ? "key; set CONSUL_CLIENT_CERT too"
                    : "certificate; set CONSUL_CLIENT_KEY too"));
      }
      Path file = b.tokenFile.get();
      if (file != null) {
        Secrets.readToken(file);
      }
      String serverName = b.tlsServerName.get();
      if (serverName != null) {
        b.tlsServerName.replace(Environment.serverName(serverName));
      }
      return new ConsulConfig(b, address);
    }
  }
}
