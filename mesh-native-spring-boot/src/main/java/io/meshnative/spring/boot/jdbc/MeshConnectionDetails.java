package io.meshnative.spring.boot.jdbc;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/** The connection details of a database in the mesh: all as before, but for the URL. */
record MeshConnectionDetails(JdbcConnectionDetails original, String url)
    implements JdbcConnectionDetails {
  @Override
  public @Nullable String getUsername() {
    return original.getUsername();
  }

  @Override
  public @Nullable String getPassword() {
    return original.getPassword();
  }

  @Override
  public String getJdbcUrl() {
    return url;
  }

  @Override
  public String getDriverClassName() {
    return original.getDriverClassName();
  }

  @Override
  public @Nullable String getXaDataSourceClassName() {
    return original.getXaDataSourceClassName();
  }

  /** Returns nothing that could hold a password. */
  @Override
  public String toString() {
    return "MeshConnectionDetails";
  }
}
