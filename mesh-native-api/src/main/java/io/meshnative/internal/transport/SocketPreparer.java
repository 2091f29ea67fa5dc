package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.Socket;

/**
 * Sees each raw socket before it connects: to set options that must be set early, or to forbid it.
 */
@FunctionalInterface
public interface SocketPreparer {

  /** Prepares nothing. */
  SocketPreparer NONE = raw -> {};

  /**
   * Prepares a socket that is not connected yet.
   *
   * @param raw may be kept only to close it
   * @throws IOException ends the attempt; the socket is closed
   */
  void prepare(Socket raw) throws IOException;
}
