package io.meshnative.jdbc;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A database's user, perhaps for a time.
 *
 * @param user the name
 * @param password the password; in no message and no {@code toString}
 * @param expires when the user ends; empty for never
 * @param lease what {@link CredentialsSource#renew} may know it by, such as the id of a lease
 */
public record DatabaseCredentials(
    String user, String password, Optional<Instant> expires, Optional<String> lease) {
  /** Checks that nothing is null. */
  public DatabaseCredentials {
    Objects.requireNonNull(user, "user");
    Objects.requireNonNull(password, "password");
    Objects.requireNonNull(expires, "expires");
    Objects.requireNonNull(lease, "lease");
  }

  /** Whether this is the same user with the same password, whenever it ends. */
  boolean isSameUser(DatabaseCredentials other) {
    return user.equals(other.user) && password.equals(other.password);
  }

  /** Names the user, not the password. */
  @Override
  public String toString() {
    return "DatabaseCredentials[" + user + expires.map(end -> " until " + end).orElse("") + "]";
  }
}
