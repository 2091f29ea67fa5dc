package io.meshnative.jdbc;

/**
 * A pool, as far as the mesh has to know it. For HikariCP there is {@link MeshHikari}; for others,
 * this one method:
 *
 * <pre>{@code
 * PoolGuard.watch(mesh, Destination.parse("db"), PoolPolicy.defaults(), (why) -> dbcp.invalidate...);
 * }</pre>
 */
@FunctionalInterface
public interface ConnectionInvalidator {
  /**
   * Ends the connections that the pool holds now: idle ones within the given time, borrowed ones
   * when they are returned. Connections that are made from now on are not meant.
   *
   * <p>Called on a thread of the library, for a withdrawal while the connections are still open but
   * new ones are refused already: the sockets are closed when this returns, or after one second.
   *
   * @param why what happened, and how much time there is
   */
  void invalidate(Invalidation why);
}
