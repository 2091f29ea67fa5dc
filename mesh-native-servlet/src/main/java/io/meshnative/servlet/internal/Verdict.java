package io.meshnative.servlet.internal;

import io.meshnative.HttpRefusal;

/** What became of a request at the door. */
public sealed interface Verdict permits AdmittedRequest, Verdict.Refused {

  /**
   * It goes no further.
   *
   * @param answer what to tell the peer
   * @param close whether nothing more is to be read from this connection
   */
  record Refused(HttpRefusal answer, boolean close) implements Verdict {}
}
