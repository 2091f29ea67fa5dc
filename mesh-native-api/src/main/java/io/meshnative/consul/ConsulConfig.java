package io.meshnative.consul;

import java.nio.file.Path;
import java.util.List;
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
  private final List<ConsulAddress> addresses;
  private final boolean tls;
  private final @Nullable ConsulLogin login;
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

  private ConsulConfig(ConsulSettings settings) {
    this.addresses = settings.check();
    this.tls = settings.isTls();
    this.token = settings.token.get();
    this.tokenFile = settings.tokenFile.get();
    this.login = settings.login.get();
    this.basicAuth = settings.basicAuth.get();
    this.verify = !Boolean.FALSE.equals(settings.verify.get());
    this.caFile = settings.caFile.get();
    this.caDirectory = settings.caDirectory.get();
    this.clientCertificate = settings.clientCertificate.get();
    this.clientKey = settings.clientKey.get();
    this.tlsServerName = settings.tlsServerName.get();
    this.namespace = settings.namespace.get();
    this.partition = settings.partition.get();
    this.toleratedIntentionFields = Set.copyOf(settings.tolerated);
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
   * <p>As consul-k8s spells them, {@code CONSUL_LOGIN_AUTH_METHOD}, {@code
   * CONSUL_LOGIN_BEARER_TOKEN_FILE} (the pod's service account token unless set), {@code
   * CONSUL_LOGIN_META} ({@code name=value}, separated by commas), {@code CONSUL_LOGIN_NAMESPACE},
   * {@code CONSUL_LOGIN_PARTITION} and {@code CONSUL_LOGIN_DATACENTER} make a {@link ConsulLogin}.
   *
   * <p>In a Nomad task, files below {@code /secrets} that are not there are looked up in {@code
   * NOMAD_SECRETS_DIR}, and a socket below {@code /alloc} in {@code NOMAD_ALLOC_DIR}; where no
   * token is set, {@code CONSUL_TOKEN} or else the file {@code si_token} in {@code
   * NOMAD_SECRETS_DIR} is used.
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
   * Returns where the preferred agent listens.
   *
   * @return the first of the {@link #addresses()}
   */
  public ConsulAddress address() {
    return addresses.get(0);
  }

  /**
   * Returns where agents of the same cluster listen. The first that answers is used, and kept until
   * it fails.
   *
   * @return an unmodifiable list, never empty
   */
  public List<ConsulAddress> addresses() {
    return addresses;
  }

  /**
   * Returns whether TLS protects the link to an agent: for {@code https://} addresses, and inside a
   * unix socket where {@link Builder#tls} says so.
   *
   * @param address one of the {@link #addresses()}
   * @return true for TLS
   */
  public boolean usesTls(ConsulAddress address) {
    return switch (address.scheme()) {
      case HTTPS -> true;
      case HTTP -> false;
      case UNIX -> tls;
    };
  }

  /**
   * Returns how to obtain a token, where none is given.
   *
   * @return the login, empty if none is set
   */
  public Optional<ConsulLogin> login() {
    return Optional.ofNullable(login);
  }

  /**
   * Returns the ACL token that was given, as it is now: the content of the {@link #tokenFile()} if
   * one is set, read by this call, else the token that was given. A secret: keep it out of logs.
   * Blocks on the file system.
   *
   * @return the token, empty if none is set
   * @throws IllegalArgumentException if the token file cannot be read or holds no token
   */
  public Optional<String> currentToken() {
    return tokenFile != null
        ? Optional.of(Secrets.readToken(tokenFile, "token", "CONSUL_HTTP_TOKEN_FILE"))
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
        + (addresses.size() == 1 ? address() : addresses)
        + (tls ? ", TLS" : "")
        + (login != null
            ? ", login by " + login.authMethod()
            : token != null || tokenFile != null ? ", with a token" : ", no token")
        + (basicAuth != null ? ", with basic auth" : "")
        + (clientCertificate != null ? ", with a client certificate" : "")
        + (verify ? "" : ", certificate NOT verified")
        + (namespace != null ? ", ns=" + namespace : "")
        + (partition != null ? ", ap=" + partition : "")
        + "]";
  }

  /** Builds a configuration. A setting given twice is refused. Not thread-safe. */
  public static final class Builder {
    private final ConsulSettings settings = new ConsulSettings();
    private final Setting<Map<String, String>> environment = new Setting<>("environment");

    private Builder() {}

    /**
     * Sets where the agent listens.
     *
     * @param address {@code host:port}, {@code http://host:port[/prefix]}, {@code
     *     https://host:port[/prefix]} or {@code unix:///path}
     * @return this
     */
    public Builder address(String address) {
      settings.addresses.set(List.of(address));
      return this;
    }

    /**
     * Sets where several agents of the same cluster listen, instead of {@link #address}. The first
     * that answers is used; when it fails, the next, and so on around. What agents hold for
     * themselves, such as registrations, is entered again with the next one.
     *
     * @param addresses as for {@link #address}, the preferred one first; at least one
     * @return this
     */
    public Builder addresses(String... addresses) {
      settings.addresses.set(List.of(addresses));
      return this;
    }

    /**
     * Sets how to obtain a token, instead of {@link #token} or {@link #tokenFile}.
     *
     * @param login the auth method and the file with the bearer token
     * @return this
     */
    public Builder login(ConsulLogin login) {
      settings.login.set(login);
      return this;
    }

    /**
     * Sets the ACL token.
     *
     * @param token the token
     * @return this
     */
    public Builder token(String token) {
      settings.token.set(Secrets.checkToken(token));
      return this;
    }

    /**
     * Sets the file that holds the ACL token. It wins over {@link #token}.
     *
     * @param file a file; white space around the token is ignored
     * @return this
     */
    public Builder tokenFile(Path file) {
      settings.tokenFile.set(file);
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
      settings.basicAuth.set(Secrets.checkBasicAuth(user, password));
      return this;
    }

    /**
     * Sets whether an address that does not begin with {@code https://} means HTTPS nevertheless;
     * for a unix socket, whether TLS runs inside. There the agent must prove {@code localhost},
     * unless {@link #tlsServerName} says otherwise.
     *
     * @param tls true for HTTPS
     * @return this
     */
    public Builder tls(boolean tls) {
      settings.tls.set(tls);
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
      settings.verify.set(verify);
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
      settings.caFile.set(file);
      return this;
    }

    /**
     * Sets the directory with the authorities that may vouch for the agent.
     *
     * @param directory a directory of PEM files
     * @return this
     */
    public Builder caDirectory(Path directory) {
      settings.caDirectory.set(directory);
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
      settings.clientCertificate.set(certificate);
      settings.clientKey.set(key);
      return this;
    }

    /**
     * Sets the name that the agent's certificate must bear, instead of the address's host.
     *
     * @param name a host name, such as {@code server.dc1.consul}
     * @return this
     */
    public Builder tlsServerName(String name) {
      settings.tlsServerName.set(name);
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
      settings.namespace.set(namespace);
      return this;
    }

    /**
     * Sets the admin partition (Consul Enterprise).
     *
     * @param partition the partition
     * @return this
     */
    public Builder partition(String partition) {
      settings.partition.set(partition);
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
      settings.allowPlaintext.set(allow);
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
      if (!settings.tolerated.add(Objects.requireNonNull(name, "name"))) {
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
      return new ConsulConfig(ConsulSettings.of(settings, environment.get()));
    }
  }
}
