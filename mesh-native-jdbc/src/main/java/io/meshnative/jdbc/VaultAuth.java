package io.meshnative.jdbc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;

/**
 * How to log in to Vault. Files are read each time they are needed, since others rotate them. No
 * secret is in any message or {@code toString}.
 *
 * <p>Vault ends a user of a database together with the token that asked for it. The token of a
 * login is renewed while Vault allows it, and no user is taken to live longer. A token that is
 * given is used as it is: let it be a periodic one, or one that Vault's agent keeps alive.
 */
public abstract class VaultAuth {
  /**
   * What a login gives.
   *
   * @param token the token
   * @param life how long it lives; zero for as long as it works
   * @param renewable whether it can be told to live longer
   */
  record Login(String token, Duration life, boolean renewable) {
    /** A token that was given: who gave it keeps it alive. */
    static Login given(String token) {
      return new Login(token, Duration.ZERO, false);
    }

    @Override
    public String toString() {
      return "Login[for " + life + (renewable ? ", renewable]" : "]");
    }
  }

  private final String shown;

  private VaultAuth(String shown) {
    this.shown = shown;
  }

  abstract Login login(VaultHttp vault) throws IOException;

  /**
   * Uses a token of the environment, {@code VAULT_TOKEN}.
   *
   * @return the method
   */
  public static VaultAuth environment() {
    return new VaultAuth("the variable VAULT_TOKEN") {
      @Override
      Login login(VaultHttp vault) throws IOException {
        String token = System.getenv("VAULT_TOKEN");
        if (token == null || token.isBlank()) {
          throw new IOException("expected a token in the variable VAULT_TOKEN, found none");
        }
        return Login.given(token.strip());
      }
    };
  }

  /**
   * Uses a token.
   *
   * @param token the token
   * @return the method
   */
  public static VaultAuth token(String token) {
    Objects.requireNonNull(token, "token");
    return new VaultAuth("a token") {
      @Override
      Login login(VaultHttp vault) {
        return Login.given(token);
      }
    };
  }

  /**
   * Uses a token that stands in a file, such as one that Vault's agent keeps.
   *
   * @param file the file
   * @return the method
   */
  public static VaultAuth tokenFile(Path file) {
    Objects.requireNonNull(file, "file");
    return new VaultAuth("the token file " + file) {
      @Override
      Login login(VaultHttp vault) throws IOException {
        return Login.given(read("a token", file));
      }
    };
  }

  /**
   * Logs in by an AppRole.
   *
   * @param roleId the role's id
   * @param secretIdFile the file of the secret id
   * @return the method
   */
  public static VaultAuth appRole(String roleId, Path secretIdFile) {
    Objects.requireNonNull(roleId, "roleId");
    Objects.requireNonNull(secretIdFile, "secretIdFile");
    return new VaultAuth("an AppRole") {
      @Override
      Login login(VaultHttp vault) throws IOException {
        return vault.login(
            "approle", Map.of("role_id", roleId, "secret_id", read("a secret id", secretIdFile)));
      }
    };
  }

  /**
   * Logs in by the token of a Kubernetes service account, at its usual place.
   *
   * @param role the role in Vault
   * @return the method
   */
  public static VaultAuth kubernetes(String role) {
    return kubernetes(role, Path.of("/var/run/secrets/kubernetes.io/serviceaccount/token"));
  }

  /**
   * Logs in by the token of a Kubernetes service account.
   *
   * @param role the role in Vault
   * @param tokenFile the file of the token
   * @return the method
   */
  public static VaultAuth kubernetes(String role, Path tokenFile) {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(tokenFile, "tokenFile");
    return new VaultAuth("the Kubernetes role " + role) {
      @Override
      Login login(VaultHttp vault) throws IOException {
        return vault.login(
            "kubernetes",
            Map.of("role", role, "jwt", read("a service account's token", tokenFile)));
      }
    };
  }

  private static String read(String what, Path file) throws IOException {
    String text;
    try {
      text = Files.readString(file).strip();
    } catch (IOException e) {
      throw new IOException("expected " + what + " in " + file + ", found no file to read", e);
    }
    if (text.isEmpty() || text.chars().anyMatch(c -> c <= ' ' || c > '~')) {
      throw new IOException("expected " + what + " in " + file + ", found something else");
    }
    return text;
  }

  /** Returns the method, no secret. */
  @Override
  public String toString() {
    return shown;
  }
}
