package io.meshnative.internal.transport;

/**
 * The named moments in the life of a connection, and of a request on it, at which another thread
 * can get in between. Code that is run passes them without a stop; a test of the races holds a
 * thread there while another one withdraws the right.
 */
enum Moment {
  /** A full handshake has shown certificates that lead to a root; nothing is decided. */
  PROVEN,
  /** They were let through; the handshake goes on. */
  PREVIEWED,
  /** The handshake is done; the pair that decides has not been read. */
  SHAKEN,
  /** Decided under a pair, and not in the registry, so that no sweep sees the connection. */
  DECIDED,
  /** In the registry, and the pair not read for the second time. */
  REGISTERED,
  /** Let in for good; nobody has been handed the connection. */
  ADMITTED,
  /** The transport has ended, and the connection is still in the registry. */
  ENDED,
  /** The right is gone, and the connection not cut yet. */
  WITHDRAWN,
  /** A request is decided under a pair, and no sweep sees its lease. */
  REQUEST_DECIDED,
  /** Its connection holds the lease, and the pair was not read for the second time. */
  REQUEST_HELD,
  /** Decided for good, and nobody has been handed the lease. */
  REQUEST_JUDGED;

  /** Sees each moment, on the thread that passes it. */
  interface Observer {
    Observer NOBODY = moment -> {};

    void at(Moment moment);
  }
}
