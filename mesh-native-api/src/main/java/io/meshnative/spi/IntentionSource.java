package io.meshnative.spi;

/** Supplies the intentions that concern the service. */
public interface IntentionSource extends AutoCloseable {

  /**
   * Starts pushing. Called once; returns at once.
   *
   * @param sink takes each new state of the intentions
   */
  void start(Sink<IntentionUpdate> sink);

  /** Stops pushing and releases everything. Idempotent. */
  @Override
  void close();
}
