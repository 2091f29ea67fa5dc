package io.meshnative;

/**
 * A place in the registry of live connections. Close it when the connection has ended; closing
 * twice does nothing.
 */
public interface Lease extends AutoCloseable {
  /** Gives the place back. */
  @Override
  void close();
}
