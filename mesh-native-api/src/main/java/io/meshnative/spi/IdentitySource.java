package io.meshnative.spi;

import io.meshnative.identity.WorkloadIdentity;

/** Supplies the service's own identity and renews it. */
public interface IdentitySource extends AutoCloseable {

  /**
   * Starts pushing. Called once; returns at once.
   *
   * @param sink takes each new identity
   */
  void start(Sink<WorkloadIdentity> sink);

  /** Stops pushing and releases everything. Idempotent. */
  @Override
  void close();
}
