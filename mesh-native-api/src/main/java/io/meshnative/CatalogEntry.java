package io.meshnative;

import io.meshnative.discovery.Check;

/**
 * The service's entry in the catalog, made by {@link MeshClient#register}, for programs that learn
 * their port, or how they are, only while they run.
 *
 * <pre>{@code
 * CatalogEntry entry = mesh.register(Registration.of(server.getPort()));
 * entry.report(Check.Status.WARNING, "the cache is cold");
 * …
 * entry.hide();               // before the server stops to accept
 * server.stop();
 * entry.close();
 * }</pre>
 *
 * <p>Thread-safe.
 */
public interface CatalogEntry extends AutoCloseable {

  /**
   * Says how the application is. The catalog is told by the entry's TTL checks, at once and then as
   * often as they want, the worse of this and of how the mesh client itself is. {@link
   * Check.Status#PASSING} until this is called. Does not block.
   *
   * @param status how it is
   * @param note why, for people; at most 4,096 characters are passed on
   */
  void report(Check.Status status, String note);

  /**
   * Hides the service from those who look for it, while it still answers: maintenance mode, or
   * deregistration where the control plane has no such mode. Callers that watch the catalog know
   * within a moment. Blocks on the control plane for a few seconds at most; a failure is logged.
   *
   * @return whether the service had been found before, so that callers may still be on their way
   */
  boolean hide();

  /**
   * Takes the entry out of the catalog. Blocks on the control plane for a few seconds at most; a
   * failure is logged, and the checks turn critical. Idempotent.
   */
  @Override
  void close();
}
