package io.meshnative.jdbc;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
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
 * it. The policy of the token needs {@code read} on the first, {@code update} on the second. A user
 * ends by Vault's doing when its lease does. Thread-safe.
 */
public final class VaultDatabaseCredentials implements CredentialsSource {
  private static final Pattern PATH = Pattern.compile("[A-Za-z0-9_-]+(/[A-Za-z0-9_.-]+)*");
  private static final Pattern ROLE = Pattern.compile("[A-Za-z0-9_.-]*[A-Za-z0-9_-]");

  private final VaultHttp vault;
  private final String path;
  private final VaultAuth auth;
  private final Clock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable String token;
  private @Nullable Instant tokenUntil;

  private VaultDatabaseCredentials(Builder builder) {
    this.vault =
        new VaultHttp(
            builder.http.build(), address(builder.address, builder.plaintext), builder.namespace);
    this.path = "v1/" + builder.mount + "/creds/" + builder.role;
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
    VaultHttp.Answer answer = authorized("GET", path, null);
    return new DatabaseCredentials(
        answer.require("username"),
        answer.require("password"),
        end(answer),
        Optional.ofNullable(answer.texts().get("lease_id"))
            .filter(lease -> !lease.isEmpty() && answer.renewable()));
  }

  @Override
  public Optional<DatabaseCredentials> renew(DatabaseCredentials held) throws IOException {
    if (held.lease().isEmpty()) {
      return Optional.empty();
    }
    VaultHttp.Answer answer =
        authorized("PUT", "v1/sys/leases/renew", Map.of("lease_id", held.lease().get()));
    return Optional.of(
        new DatabaseCredentials(held.user(), held.password(), end(answer), held.lease()));
  }

  /** By our clock at the answer: Vault counts from before it. */
  private Optional<Instant> end(VaultHttp.Answer answer) {
    return answer.seconds() > 0
        ? Optional.of(clock.instant().plusSeconds(answer.seconds()))
        : Optional.empty();
  }

  /** Calls with a token; with a new one where the old one is not good any more. */
  private VaultHttp.Answer authorized(
      String method, String where, @Nullable Map<String, String> body) throws IOException {
    lock.lock();
    try {
      Instant until = tokenUntil;
      boolean held = token != null && (until == null || clock.instant().isBefore(until));
      String used = held ? Objects.requireNonNull(token) : newToken();
      try {
        return vault.call(method, where, used, body);
      } catch (VaultHttp.Refused e) {
        if (e.status != 403 || !held) {
          throw e;
        }
        return vault.call(method, where, newToken(), body);
      }
    } finally {
      lock.unlock();
    }
  }

  private String newToken() throws IOException {
    VaultAuth.Login login = auth.login(vault);
    token = login.token();
    // Before its end, so that no call meets it.
    tokenUntil =
        login.life().isZero()
            ? null
            : clock.instant().plus(login.life().multipliedBy(2).dividedBy(3));
    return login.token();
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
     * Sets the namespace (Vault Enterprise).
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
