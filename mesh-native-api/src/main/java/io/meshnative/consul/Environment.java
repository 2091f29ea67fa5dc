package io.meshnative.consul;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Variables of an environment, each read as what it should hold. An empty one counts as unset, as
 * in Go.
 */
final class Environment {
  private static final String UNIX = "unix://";

  private final Map<String, String> variables;

  Environment(Map<String, String> variables) {
    this.variables = variables;
  }

  @Nullable String text(String name) {
    String value = variables.get(name);
    return value == null || value.isEmpty() ? null : value;
  }

  private @Nullable Path path(String name) {
    String value = text(name);
    try {
      return value == null ? null : Path.of(value);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "expected a path in " + name + ", found a text that is none", e);
    }
  }

  /**
   * A file. Nomad names those below {@code /secrets} as a container sees them; a task without a
   * container finds them in {@code NOMAD_SECRETS_DIR}.
   */
  @Nullable Path file(String name) {
    Path named = path(name);
    return named == null ? null : nomad(named, "/secrets", "NOMAD_SECRETS_DIR");
  }

  /** The agent's address; a socket below {@code /alloc} is looked up in {@code NOMAD_ALLOC_DIR}. */
  @Nullable String address(String name) {
    String value = text(name);
    if (value == null || !value.startsWith(UNIX + "/")) {
      return value;
    }
    Path named = Path.of(value.substring(UNIX.length()));
    Path found = nomad(named, "/alloc", "NOMAD_ALLOC_DIR");
    return found.equals(named) ? value : UNIX + found;
  }

  private Path nomad(Path named, String inContainer, String directoryVariable) {
    Path directory = path(directoryVariable);
    Path mount = Path.of(inContainer);
    if (directory == null || !named.startsWith(mount) || Files.exists(named)) {
      return named;
    }
    Path outside = directory.resolve(mount.relativize(named).toString());
    return Files.exists(outside) ? outside : named;
  }

  /** The token that Nomad's workload identities give a task. */
  @Nullable String nomadToken() {
    return inNomad() ? token("CONSUL_TOKEN") : null;
  }

  /** The service identity token that Nomad leaves for a task, if it did. */
  @Nullable Path nomadTokenFile() {
    Path secrets = path("NOMAD_SECRETS_DIR");
    if (!inNomad() || secrets == null) {
      return null;
    }
    Path file = secrets.resolve("si_token");
    return Files.exists(file) ? file : null;
  }

  private boolean inNomad() {
    return text("NOMAD_ALLOC_ID") != null;
  }

  /** As Go's ParseBool; what it cannot parse fails here. */
  @Nullable Boolean bool(String name) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    return switch (value) {
      case "1", "t", "T", "TRUE", "true", "True" -> Boolean.TRUE;
      case "0", "f", "F", "FALSE", "false", "False" -> Boolean.FALSE;
      default ->
          throw new IllegalArgumentException(
              "expected true or false in "
                  + name
                  + ", found another text of "
                  + value.length()
                  + " characters");
    };
  }

  @Nullable String token(String name) {
    String value = text(name);
    try {
      return value == null ? null : Secrets.checkToken(value);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  /** {@code user:password}, split at the first colon, or {@code user} alone. */
  @Nullable String basicAuth(String name) {
    String value = text(name);
    if (value == null) {
      return null;
    }
    int colon = value.indexOf(':');
    try {
      return colon < 0
          ? Secrets.checkBasicAuth(value, "")
          : Secrets.checkBasicAuth(value.substring(0, colon), value.substring(colon + 1));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  /** Removes a port, as Consul's clients do, and checks that a host name is left. */
  static String serverName(String given) {
    String name = given.replaceFirst(":[0-9]+$", "");
    boolean looksLikeAddress = name.matches("[0-9.]+") || name.indexOf(':') >= 0;
    if (looksLikeAddress || !name.matches("[A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9])?")) {
      throw new IllegalArgumentException(
          "expected a host name as the TLS server name (CONSUL_TLS_SERVER_NAME), such as"
              + " server.dc1.consul, found another text");
    }
    return name;
  }
}
