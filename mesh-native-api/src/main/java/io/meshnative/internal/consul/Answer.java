package io.meshnative.internal.consul;

import okhttp3.Headers;
import okio.Buffer;
import okio.ByteString;

/**
 * A 200 answer of the agent.
 *
 * @param body the whole body; whoever reads it consumes it
 * @param hash its SHA-256
 * @param index {@code X-Consul-Index}, unsigned; 0 where the agent sent none
 * @param knownLeader false only where the agent says so
 * @param filteredByAcls whether the agent says that it hid rows (Consul 1.11+)
 * @param link who answered, and to which token: an index means nothing on another link
 */
record Answer(
    Buffer body,
    ByteString hash,
    long index,
    boolean knownLeader,
    boolean filteredByAcls,
    int link) {

  static Answer of(Headers headers, Buffer body, ByteString hash) {
    return of(headers, body, hash, 0);
  }

  static Answer of(Headers headers, Buffer body, ByteString hash, int link) {
    return new Answer(
        body,
        hash,
        index(headers.get("X-Consul-Index")),
        !"false".equalsIgnoreCase(headers.get("X-Consul-KnownLeader")),
        "true".equalsIgnoreCase(headers.get("X-Consul-Results-Filtered-By-ACLs")),
        link);
  }

  Answer withIndex(long other) {
    return new Answer(body, hash, other, knownLeader, filteredByAcls, link);
  }

  Answer hidingRows() {
    return new Answer(body, hash, index, knownLeader, true, link);
  }

  /** Consul's API documentation asks clients to take an index of 0 for 1: 0 would not block. */
  private static long index(@org.jspecify.annotations.Nullable String header) {
    if (header == null) {
      return 0;
    }
    try {
      long index = Long.parseUnsignedLong(header);
      return index == 0 ? 1 : index;
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
