package io.meshnative.spi;

/** Supplies the roots under which peers are proven. */
public interface TrustSource extends AutoCloseable {

  /**
   * Starts pushing. Called once; returns at once.
   *
   * @param sink takes each new set of bundles
   */
  void start(Sink<TrustUpdate> sink);

  /** Stops pushing and releases everything. Idempotent. */
  @Override
  void close();
}
