package io.meshnative.jdbc;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

/**
 * Users of a database that Vault's database engine makes and ends:
 *
 * <pre>{@code
 * CredentialsSource vault =
 *     VaultDatabaseCredentials.builder("https://vault:8200", "orders")
 *         .auth(VaultAuth.kubernetes("orders"))
 *         .build();
 * try (RefreshingCredentials users = RefreshingCredentials.start(vault);
 *     HikariDataSource pool = MeshHikari.builder(config).credentials(users).build()) {
 *   …
 * }
 * }</pre>
 *
 * <p>{@code GET /v1/database/creds/orders} makes a user, {@code PUT /v1/sys/leases/renew} prolongs
 * it. The policy of the token needs {@code read} on the first, {@code update} on the second;
 * Vault's policy {@code default} allows the second, and {@code POST /v1/auth/token/renew-self}, by
 * which the token of a login is kept alive. A user ends by Vault's doing when its lease does, or
 * the token that asked for it, whichever is first.
 *
 * <p>With {@link Builder#staticRole} the user is always the same, and its password another one
 * after each rotation by Vault. Thread-safe.
 */
public final class VaultDatabaseCredentials implements CredentialsSource {
  private static final Logger LOG = System.getLogger("io.meshnative.jdbc");
  private static final Pattern PATH = Pattern.compile("[A-Za-z0-9_-]+(/[A-Za-z0-9_.-]+)*");
  private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9_.-]*[A-Za-z0-9_-]");

  private final VaultHttp vault;
  private final String path;
  private final VaultAuth auth;
  private final Clock clock;
  private final boolean staticRole;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Token token;

  /** By which token each user was asked for that may be prolonged. */
  private final Map<String, Token> makers = new HashMap<>();

  /** A token of ours. Its end moves when it is renewed, and with it that of the users it made. */
  private static final class Token {
    private final String secret;
    private final Duration life;
    private final boolean renewable;

    /** Null for nobody knows when. */
    private @Nullable Instant end;

    Token(VaultAuth.Login login, Instant now) {
      this.secret = login.token();
      this.life = login.life();
      this.renewable = login.renewable();
      this.end = life.isZero() ? null : now.plus(life);
    }

    boolean hasLeft(double part, Instant now) {
      Instant until = end;
      return until == null
          || Duration.between(now, until).toMillis() > Math.round(life.toMillis() * part);
    }

    Optional<Instant> earlier(Optional<Instant> other) {
      Instant until = end;
      return until == null || other.filter(one -> one.isBefore(until)).isPresent()
          ? other
          : Optional.of(until);
    }
  }

  private VaultDatabaseCredentials(Builder builder) {
    this.vault =
        new VaultHttp(
            builder.http.build(), address(builder.address, builder.plaintext), builder.namespace);
    this.staticRole = builder.staticRole;
    this.path = "v1/" + builder.mount + (staticRole ? "/static-creds/" : "/creds/") + builder.role;
    this.auth = builder.auth;
    this.clock = builder.clock;
  }

  private static HttpUrl address(String text, boolean plaintext) {
    HttpUrl url = HttpUrl.parse(text);
    boolean named = text.indexOf('@') >= 0; // what stands before it may be a password
    if (url == null || named || url.querySize() > 0 || !url.encodedPath().equals("/")) {
      throw new IllegalArgumentException(
          "expected Vault's address such as https://vault:8200, found "
              + (named ? "one with a user in it; see VaultAuth" : "\"" + text + "\""));
    }
    boolean loopback =
        url.host().equals("localhost")
            || url.host().equals("127.0.0.1")
            || url.host().equals("::1");
    if (!url.isHttps() && !loopback && !plaintext) {
      throw new IllegalArgumentException(
          "expected https to Vault, since tokens and passwords cross this link, found "
              + url
              + "; allowPlaintext(true) allows it");
    }
    return url;
  }

  /**
   * Starts a builder.
   *
   * @param address such as {@code https://vault:8200}
   * @param role the role of the database engine
   * @return the builder
   */
  public static Builder builder(String address, String role) {
    return new Builder(address, role);
  }

  @Override
  public DatabaseCredentials fetch() throws IOException {
    lock.lock();
    try {
      VaultHttp.Answer answer = authorized("GET", path, null);
      Instant now = clock.instant();
      String user = answer.require("username");
      String password = answer.require("password");
      if (staticRole) {
        // Until the next rotation; where that is due this very second, it is asked again soon.
        Instant rotated = now.plusSeconds(Math.max(1, answer.ttl()));
        return new DatabaseCredentials(user, password, Optional.of(rotated), Optional.empty());
      }
      Token maker = Objects.requireNonNull(token);
      Optional<String> lease =
          Optional.ofNullable(answer.texts().get("lease_id"))
              .filter(id -> !id.isEmpty() && answer.renewable());
      makers.values().removeIf(one -> !one.hasLeft(0, now));
      lease.ifPresent(id -> makers.put(id, maker));
      return new DatabaseCredentials(user, password, maker.earlier(end(answer, now)), lease);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<DatabaseCredentials> renew(DatabaseCredentials held) throws IOException {
    if (held.lease().isEmpty()) {
      return Optional.empty();
    }
    lock.lock();
    try {
      String lease = held.lease().get();
      VaultHttp.Answer answer = authorized("PUT", "v1/sys/leases/renew", Map.of("lease_id", lease));
      Token maker = makers.getOrDefault(lease, Objects.requireNonNull(token));
      Optional<Instant> end = maker.earlier(end(answer, clock.instant()));
      return Optional.of(new DatabaseCredentials(held.user(), held.password(), end, held.lease()));
    } finally {
      lock.unlock();
    }
  }

  /** By our clock at the answer: Vault counts from before it. */
  private static Optional<Instant> end(VaultHttp.Answer answer, Instant now) {
    return answer.seconds() > 0 ? Optional.of(now.plusSeconds(answer.seconds())) : Optional.empty();
  }

  /** Calls with a token; with a new one where the old one is not good any more. */
  private VaultHttp.Answer authorized(
      String method, String where, @Nullable Map<String, String> body) throws IOException {
    Token held = kept();
    Token used = held == null ? newToken() : held;
    try {
      return vault.call(method, where, used.secret, body);
    } catch (VaultHttp.Refused e) {
      if (e.status != 403 || held == null) {
        throw e;
      }
      return vault.call(method, where, newToken().secret, body);
    }
  }

  /** The token at hand, renewed where it is not young any more; null if a new one is due. */
  private @Nullable Token kept() {
    Token held = token;
    if (held == null || held.hasLeft(2.0 / 3, clock.instant())) {
      return held;
    }
    if (held.renewable && held.hasLeft(0, clock.instant())) {
      try {
        VaultHttp.Answer answer =
            vault.call("POST", "v1/auth/token/renew-self", held.secret, Map.of());
        held.end = clock.instant().plusSeconds(answer.seconds());
      } catch (IOException e) {
        LOG.log(Level.INFO, "a token of Vault was not renewed: {0}", e.getMessage());
      }
    }
    // Before its end, so that no call meets it.
    return held.hasLeft(1.0 / 3, clock.instant()) ? held : null;
  }

  private Token newToken() throws IOException {
    Token made = new Token(auth.login(vault), clock.instant());
    token = made;
    return made;
  }

  /** Returns where the users come from; no secret. */
  @Override
  public String toString() {
    return "VaultDatabaseCredentials[" + path + ", by " + auth + "]";
  }

  /** Builds a source. Not thread-safe. */
  public static final class Builder {
    private final String address;
    private final String role;
    private final OkHttpClient.Builder http =
        new OkHttpClient.Builder()
            .connectTimeout(Duration.ofSeconds(5))
            .readTimeout(Duration.ofSeconds(15));
    private String mount = "database";
    private @Nullable String namespace;
    private VaultAuth auth = VaultAuth.environment();
    private boolean plaintext;
    private boolean staticRole;
    private Clock clock = Clock.systemUTC();

    private Builder(String address, String role) {
      this.address = Objects.requireNonNull(address, "address");
      this.role = Objects.requireNonNull(role, "role");
      if (!ROLE.matcher(role).matches()) {
        throw new IllegalArgumentException(
            "expected a role of letters, digits, '.', '_' or '-', found \"" + role + "\"");
      }
    }

    /**
     * Sets how to log in; by {@code VAULT_TOKEN} if not set.
     *
     * @param auth the method
     * @return this
     */
    public Builder auth(VaultAuth auth) {
      this.auth = Objects.requireNonNull(auth, "auth");
      return this;
    }

    /**
     * Sets where the database engine is mounted; {@code database} if not set.
     *
     * @param mount the path, without slashes at its ends
     * @return this
     */
    public Builder mount(String mount) {
      if (!PATH.matcher(mount).matches()) {
        throw new IllegalArgumentException("expected a mount's path, found \"" + mount + "\"");
      }
      this.mount = mount;
      return this;
    }

    /**
     * Says that the role is a static one: {@code GET /v1/database/static-creds/<role>}. Its user
     * stays, and Vault changes the password now and then; it is asked for again right after that.
     *
     * @param staticRole whether it is; false if not set
     * @return this
     */
    public Builder staticRole(boolean staticRole) {
      this.staticRole = staticRole;
      return this;
    }

    /**
     * Sets the namespace (Vault Enterprise, OpenBao).
     *
     * @param namespace its path
     * @return this
     */
    public Builder namespace(String namespace) {
      this.namespace = Objects.requireNonNull(namespace, "namespace");
      return this;
    }

    /**
     * Sets whom to trust as Vault; the JDK's authorities if not set.
     *
     * @param factory the factory
     * @param trust its trust manager
     * @return this
     */
    public Builder tls(SSLSocketFactory factory, X509TrustManager trust) {
      http.sslSocketFactory(factory, trust);
      return this;
    }

    /**
     * Allows plain HTTP to another host. Tokens and passwords are then readable on the way.
     *
     * @param allow whether to allow it
     * @return this
     */
    public Builder allowPlaintext(boolean allow) {
      this.plaintext = allow;
      return this;
    }

    Builder clock(Clock clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Makes the source. Nothing is called yet.
     *
     * @return the source
     * @throws IllegalArgumentException if the address is none, or plain and not allowed
     */
    public VaultDatabaseCredentials build() {
      return new VaultDatabaseCredentials(this);
    }
  }
}
