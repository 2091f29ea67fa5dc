package io.meshnative.jdbc;

import java.io.IOException;
import java.util.Optional;

/**
 * Where a database's user and password come from. {@link RefreshingCredentials} asks it ahead of
 * expiry; {@link VaultDatabaseCredentials} is one for Vault's database engine.
 */
@FunctionalInterface
public interface CredentialsSource {
  /**
   * Makes or reads a user. May block on the network, within limits of its own.
   *
   * @return the user
   * @throws IOException if there is none now; it is asked again
   */
  DatabaseCredentials fetch() throws IOException;

  /**
   * Prolongs a user that it has made.
   *
   * @param held what it gave out
   * @return the same user with a later end; empty if it cannot be prolonged
   * @throws IOException if that cannot be said now
   */
  default Optional<DatabaseCredentials> renew(DatabaseCredentials held) throws IOException {
    return Optional.empty();
  }
}
