package io.meshnative.consul;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How to obtain an ACL token from a Consul auth method, instead of holding one: the service shows a
 * bearer token, such as that of its Kubernetes service account, and gets a token that lives for a
 * while.
 *
 * <pre>{@code
 * ConsulLogin.of("k8s", Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token"))
 *     .withMeta(Map.of("pod", "shop/web-0"))
 * }</pre>
 *
 * <p>The bearer file is read again for each login, since its content is replaced before it expires.
 * The client logs in with its first call, again at about 80 % of the token's life and when the
 * agent no longer knows the token, and logs out when it is closed.
 *
 * <p>Immutable and thread-safe. Holds no secret: the bearer token stays in its file.
 *
 * @param authMethod the auth method's name
 * @param bearerTokenFile the file with the bearer token; white space around it is ignored
 * @param meta what the token is tagged with, for operators; maybe empty
 * @param namespace the auth method's namespace (Consul Enterprise); empty: the client's own
 * @param partition the auth method's admin partition (Consul Enterprise); empty: the client's own
 * @param datacenter where to log in; empty: the agent's own datacenter
 */
public record ConsulLogin(
    String authMethod,
    Path bearerTokenFile,
    Map<String, String> meta,
    Optional<String> namespace,
    Optional<String> partition,
    Optional<String> datacenter) {

  /** Where Kubernetes puts the token of a pod's service account. */
  public static final Path KUBERNETES_TOKEN =
      Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token");

  /** Checks the parts. */
  public ConsulLogin {
    Objects.requireNonNull(bearerTokenFile, "bearerTokenFile");
    Objects.requireNonNull(namespace, "namespace");
    Objects.requireNonNull(partition, "partition");
    Objects.requireNonNull(datacenter, "datacenter");
    meta = Map.copyOf(meta);
    if (authMethod.isBlank()) {
      throw new IllegalArgumentException(
          "expected the name of an auth method (CONSUL_LOGIN_AUTH_METHOD), found a blank one");
    }
  }

  /**
   * Names an auth method and the file whose content it accepts.
   *
   * @param authMethod the auth method's name
   * @param bearerTokenFile the file with the bearer token
   * @return the login
   */
  public static ConsulLogin of(String authMethod, Path bearerTokenFile) {
    return new ConsulLogin(
        authMethod,
        bearerTokenFile,
        Map.of(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /**
   * Returns a copy whose tokens are tagged so.
   *
   * @param meta names and values
   * @return the copy
   */
  public ConsulLogin withMeta(Map<String, String> meta) {
    return new ConsulLogin(authMethod, bearerTokenFile, meta, namespace, partition, datacenter);
  }

  /**
   * Returns a copy that finds the auth method in this namespace (Consul Enterprise).
   *
   * @param namespace the namespace
   * @return the copy
   */
  public ConsulLogin withNamespace(String namespace) {
    return new ConsulLogin(
        authMethod, bearerTokenFile, meta, Optional.of(namespace), partition, datacenter);
  }

  /**
   * Returns a copy that finds the auth method in this admin partition (Consul Enterprise).
   *
   * @param partition the partition
   * @return the copy
   */
  public ConsulLogin withPartition(String partition) {
    return new ConsulLogin(
        authMethod, bearerTokenFile, meta, namespace, Optional.of(partition), datacenter);
  }

  /**
   * Returns a copy that logs in in this datacenter.
   *
   * @param datacenter the datacenter
   * @return the copy
   */
  public ConsulLogin withDatacenter(String datacenter) {
    return new ConsulLogin(
        authMethod, bearerTokenFile, meta, namespace, partition, Optional.of(datacenter));
  }

  /**
   * Reads the bearer token. A secret: keep it out of logs. Blocks on the file system.
   *
   * @return the token
   * @throws IllegalArgumentException if the file cannot be read or holds no token
   */
  public String currentBearerToken() {
    return Secrets.readToken(bearerTokenFile, "bearer token", "CONSUL_LOGIN_BEARER_TOKEN_FILE");
  }

  /**
   * Reads what {@code CONSUL_LOGIN_META} may hold: {@code name=value}, several separated by commas.
   */
  static Map<String, String> parseMeta(String text) {
    Map<String, String> meta = new TreeMap<>();
    for (String pair : text.split(",", -1)) {
      int mark = pair.indexOf('=');
      if (mark < 1) {
        throw new IllegalArgumentException(
            "expected name=value in CONSUL_LOGIN_META, several separated by commas, as in"
                + " pod=shop/web-0, found another text");
      }
      meta.put(pair.substring(0, mark).strip(), pair.substring(mark + 1).strip());
    }
    return meta;
  }
}
