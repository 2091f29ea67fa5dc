package io.meshnative.jdbc;

import com.zaxxer.hikari.SQLExceptionOverride;
import io.meshnative.MeshException;
import java.sql.SQLException;

/**
 * A connection that the mesh has ended leaves the pool, whatever SQL state its driver makes of the
 * reason. All else is another one's to decide.
 */
record EvictCutConnections(SQLExceptionOverride others) implements SQLExceptionOverride {
  private static final int DEEPEST = 20;

  @java.lang.Override
  public SQLExceptionOverride.Override adjudicate(SQLException thrown) {
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < DEEPEST; depth++) {
      if (cause instanceof MeshException) {
        return SQLExceptionOverride.Override.MUST_EVICT;
      }
      cause = cause.getCause();
    }
    return others.adjudicate(thrown);
  }
}
