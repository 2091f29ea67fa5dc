package io.meshnative.grpc;

import io.grpc.NameResolver;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.ConsulId;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLEngine;

/**
 * What a channel has to do with the mesh: whose client it is, whom it calls, and whom each of its
 * connections must meet. The resolver and the TLS context of one channel share it; without it the
 * resolver gives no address away, so that a channel made in another way never reaches the mesh in
 * plaintext or under other names.
 *
 * <p>Thread-safe.
 */
final class MeshBinding {
  /** Carries the binding from the builder to the resolver. */
  static final NameResolver.Args.Key<MeshBinding> KEY =
      NameResolver.Args.Key.create("io.meshnative.grpc.binding");

  private final MeshClient mesh;
  private final Destination destination;

  /** Whom an authority stands for. As many as there are services that config entries lead to. */
  private final Map<String, Destination> targets = new ConcurrentHashMap<>();

  private volatile boolean unixSockets;

  MeshBinding(MeshClient mesh, Destination destination) {
    this.mesh = mesh;
    this.destination = destination;
    targets.put(MeshAuthority.of(destination), destination);
  }

  MeshClient mesh() {
    return mesh;
  }

  Destination destination() {
    return destination;
  }

  /** Whether a connection of the channel may be to this service. */
  boolean concerns(Destination target) {
    return targets.containsValue(target);
  }

  /** Whether sockets to be made now are unix sockets. */
  boolean unixSockets() {
    return unixSockets;
  }

  /**
   * Says of which kind the addresses are that are given to the channel next.
   *
   * @return whether they were of the other kind before
   */
  boolean unixSockets(boolean now) {
    boolean before = unixSockets;
    unixSockets = now;
    return before != now;
  }

  /** The authority of connections to an endpoint; from here on engines are made for it. */
  String authority(Endpoint endpoint) {
    Destination target = target(endpoint);
    String authority = MeshAuthority.of(target);
    Destination held = targets.putIfAbsent(authority, target);
    if (held != null && !held.equals(target)) {
      throw new IllegalStateException(
          "expected one destination for the authority "
              + authority
              + ", found "
              + held
              + " and "
              + target);
    }
    return authority;
  }

  /** Who must answer at an endpoint: what was asked for, or where its config entries lead. */
  private Destination target(Endpoint endpoint) {
    ConsulId.Service id = endpoint.identity();
    boolean here = id.datacenter().equals(destination.datacenter().orElseGet(this::ownDatacenter));
    boolean itself =
        here
            && id.service().equals(destination.service())
            && id.namespace().equals(destination.namespace())
            && id.partition().equals(destination.partition());
    return itself
        ? destination
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

  /**
   * An engine that accepts only whom the authority stands for. It is told no host: gRPC does not
   * say to which address it has connected, and the authority is none.
   *
   * @throws IllegalStateException if it stands for nobody: then nothing is sent
   */
  SSLEngine engine(String authority) {
    Destination target = targets.get(authority);
    if (target == null) {
      throw new IllegalStateException(
          "expected the authority of an endpoint of "
              + destination
              + ", found one that stands for no service of the mesh; nothing is sent");
    }
    return mesh.clientContext(target).createSSLEngine();
  }
}
