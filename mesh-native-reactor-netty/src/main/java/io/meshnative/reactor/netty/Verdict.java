package io.meshnative.reactor.netty;

import io.meshnative.HttpRefusal;

/** What became of a request at the door. */
sealed interface Verdict permits Admission, Verdict.Refused {

  /**
   * It goes no further.
   *
   * @param answer what to tell the peer
   * @param close whether nothing more is to be read from this connection
   */
  record Refused(HttpRefusal answer, boolean close) implements Verdict {
    static Refused malformed(int status) {
      return new Refused(new HttpRefusal(status, HttpRefusal.MALFORMED), true);
    }
  }
}
