package io.meshnative.grpc;

import io.grpc.Attributes;
import io.grpc.Status;

/**
 * What the connections of a channel are made under. The resolver counts, the balancer follows.
 *
 * @param trust the client's trust generation: another one means new connections, and the old ones
 *     drain
 * @param revision likewise, for reasons of single connections: a peer's certificate that grows old,
 *     an address that belongs to another service now
 * @param attempt another one means to try at once where nothing is connected: something has changed
 *     that may have been the reason
 */
record Epoch(long trust, long revision, long attempt) {
  /** Among the attributes of each set of addresses. */
  static final Attributes.Key<Epoch> KEY = Attributes.Key.create("io.meshnative.grpc.epoch");

  /** Why there are no addresses, where there are none. */
  static final Attributes.Key<Status> REASON = Attributes.Key.create("io.meshnative.grpc.reason");

  /** Whether connections made under this one go on under the other. */
  boolean connectsAs(Epoch other) {
    return trust == other.trust && revision == other.revision;
  }
}
