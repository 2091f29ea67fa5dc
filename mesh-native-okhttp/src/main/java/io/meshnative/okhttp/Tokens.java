package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.MeshObserver;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.ConsulId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Addresses that stand for endpoints. OkHttp takes addresses from DNS and the port from the URL;
 * endpoints have ports of their own. So each endpoint gets an address of the discard-only prefix
 * 100::/64 (RFC 6666): OkHttp retries, races and remembers failures endpoint by endpoint, and an
 * address that leaks leads nowhere.
 *
 * <p>Thread-safe. Bounded: the addresses of endpoints that were not offered for long are forgotten.
 */
final class Tokens {
  /** How many endpoints a call may try. */
  private static final int MAX_OFFERED = 16;

  private static final int MAX_HELD = 16_384;
  private static final byte[] PREFIX = {1, 0, 0, 0, 0, 0, 0, 0};

  /** What an address stands for. */
  record Token(EndpointPool pool, Endpoint endpoint) {}

  Destination target(Token token) {
    return target(token.pool().destination(), token.endpoint());
  }

  /** Who must answer at an endpoint: what was asked for, or where its config entries lead. */
  Destination target(Destination asked, Endpoint endpoint) {
    ConsulId.Service id = endpoint.identity();
    boolean here = id.datacenter().equals(asked.datacenter().orElseGet(this::ownDatacenter));
    boolean itself =
        here
            && id.service().equals(asked.service())
            && id.namespace().equals(asked.namespace())
            && id.partition().equals(asked.partition());
    return itself
        ? asked
        : Destination.builder(id.service())
            .namespace(id.namespace())
            .partition(id.partition())
            .datacenter(id.datacenter())
            .build();
  }

  private String ownDatacenter() {
    return mesh.identity().id().consulId().orElse(null) instanceof ConsulId.Service self
        ? self.datacenter()
        : "";
  }

  private record Key(Destination destination, Endpoint endpoint) {}

  private final MeshClient mesh;
  private final ReentrantLock lock = new ReentrantLock();

  /** The newest pool of each destination: it becomes another one after the destination idled. */
  private final Map<Destination, EndpointPool> pools = new ConcurrentHashMap<>();

  // Guarded by the lock. In the order of last use.
  private final LinkedHashMap<Key, Long> numbers = new LinkedHashMap<>(64, 0.75f, true);
  private final Map<Long, Token> tokens = new LinkedHashMap<>();
  private long next = 1;

  Tokens(MeshClient mesh) {
    this.mesh = mesh;
  }

  /** Addresses for the endpoints of a destination, whom to try first in front. */
  List<InetAddress> offer(String host, Destination destination, Duration patience)
      throws IOException {
    EndpointPool pool = pool(destination, patience);
    List<Endpoint> order = pool.order(null);
    List<InetAddress> addresses = new ArrayList<>();
    for (Endpoint endpoint : order.subList(0, Math.min(order.size(), MAX_OFFERED))) {
      addresses.add(address(host, number(pool, endpoint)));
    }
    return addresses;
  }

  /** The destination's endpoints; waits until there are any. */
  EndpointPool pool(Destination destination, Duration patience) throws IOException {
    EndpointPool pool = mesh.endpointPool(destination, patience);
    if (pools.get(destination) != pool) {
      pools.put(destination, pool);
    }
    return pool;
  }

  /** Begins a dial that those who observe the client hear of. */
  MeshObserver.DialObserver observeDial(Token token) {
    MeshObserver.DialObserver dial = mesh.observeDial(token.pool().destination());
    dial.tries(token.endpoint());
    return dial;
  }

  /** The endpoints that the destination of a token has now; null if they are not known. */
  @Nullable EndpointSet newest(Token token) {
    return pools.getOrDefault(token.pool().destination(), token.pool()).endpoints().orElse(null);
  }

  private long number(EndpointPool pool, Endpoint endpoint) {
    lock.lock();
    try {
      Key key = new Key(pool.destination(), endpoint);
      Long known = numbers.get(key);
      long number = known == null ? next++ : known;
      // Always anew: the pool may be another one after the destination idled.
      tokens.put(number, new Token(pool, endpoint));
      if (known == null) {
        numbers.put(key, number);
        if (numbers.size() > MAX_HELD) {
          var eldest = numbers.entrySet().iterator();
          tokens.remove(eldest.next().getValue());
          eldest.remove();
        }
      }
      return number;
    } finally {
      lock.unlock();
    }
  }

  private static InetAddress address(String host, long number) throws UnknownHostException {
    byte[] bytes = ByteBuffer.allocate(16).put(PREFIX).putLong(number).array();
    return InetAddress.getByAddress(host, bytes);
  }

  /** What an address stands for; null if it is none of ours. */
  @Nullable Token find(@Nullable InetAddress address) {
    if (address == null || address.getAddress().length != 16) {
      return null;
    }
    ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
    byte[] prefix = new byte[PREFIX.length];
    bytes.get(prefix);
    if (!java.util.Arrays.equals(prefix, PREFIX)) {
      return null;
    }
    lock.lock();
    try {
      return tokens.get(bytes.getLong());
    } finally {
      lock.unlock();
    }
  }
}
