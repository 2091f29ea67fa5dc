package io.meshnative.tests;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import io.meshnative.spi.TrustSource;
import io.meshnative.spi.TrustUpdate;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A control plane that a test drives by hand, without network, threads or time: what is pushed has
 * been taken by the client when the call returns. A value that was pushed before the client started
 * is delivered when it starts. One instance serves one client.
 *
 * <pre>{@code
 * FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "db");
 * MeshClient db = MeshClient.builder("db").controlPlane(plane).build();   // ready at once
 * plane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
 * // here every connection from web has been cut
 * }</pre>
 */
final class FakeControlPlane implements ControlPlane {

  /** One stream of values. Pushes are serialised, as the sinks demand. */
  static final class Feed<T> {
    private final ReentrantLock pushing = new ReentrantLock();
    private Optional<T> last = Optional.empty();
    private Optional<Sink<T>> sink = Optional.empty();

    private void start(Sink<T> taker) {
      pushing.lock();
      try {
        sink = Optional.of(taker);
        last.ifPresent(value -> deliver(taker, value));
      } finally {
        pushing.unlock();
      }
    }

    /** Delivers a value; throws {@link IllegalStateException} if the client refuses it. */
    void push(T value) {
      pushing.lock();
      try {
        last = Optional.of(value);
        sink.ifPresent(taker -> deliver(taker, value));
      } finally {
        pushing.unlock();
      }
    }

    /** The last value once more, as after a failure that has passed. */
    void again() {
      pushing.lock();
      try {
        push(last.orElseThrow());
      } finally {
        pushing.unlock();
      }
    }

    void fail(String why) {
      pushing.lock();
      try {
        sink.orElseThrow().failed(new IOException(why));
      } finally {
        pushing.unlock();
      }
    }

    private void deliver(Sink<T> taker, T value) {
      try {
        taker.accept(value);
      } catch (InvalidUpdateException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private final Feed<WorkloadIdentity> identities = new Feed<>();
  private final Feed<TrustUpdate> roots = new Feed<>();
  private final Feed<IntentionUpdate> intentions = new Feed<>();
  private final Map<Destination, Feed<EndpointSet>> endpoints = new ConcurrentHashMap<>();
  private final AtomicInteger openWatches = new AtomicInteger();
  private final AtomicInteger closes = new AtomicInteger();

  /**
   * A plane that holds an identity and roots of this authority, and lets everybody call everybody.
   */
  static FakeControlPlane allowingAll(MeshTestAuthority authority, String service) {
    FakeControlPlane plane = new FakeControlPlane();
    plane.roots(authority);
    plane.issue(authority, service);
    plane.intentions(update(DefaultDecision.ALLOW));
    return plane;
  }

  // ---- what to push ----

  /** A fresh leaf with a fresh key. */
  static WorkloadIdentity identity(MeshTestAuthority authority, String service) {
    return identity(authority, LeafSpec.service(service));
  }

  static WorkloadIdentity identity(MeshTestAuthority authority, LeafSpec spec) {
    IssuedCertificate issued = authority.issue(spec);
    try {
      return WorkloadIdentity.of(issued.chain(), issued.privateKey());
    } catch (CertificateException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Trust in the roots of these authorities, all of one trust domain. */
  static TrustUpdate trust(MeshTestAuthority... authorities) {
    TrustDomain domain = TrustDomain.of(authorities[0].trustDomain());
    List<X509Certificate> certificates =
        Arrays.stream(authorities).map(MeshTestAuthority::root).toList();
    try {
      return new TrustUpdate(domain, List.of(TrustBundle.of(domain, certificates)));
    } catch (CertificateException e) {
      throw new IllegalStateException(e);
    }
  }

  static Intention allow(String source, String destination) {
    return rule(source, destination, Intention.Action.ALLOW);
  }

  static Intention deny(String source, String destination) {
    return rule(source, destination, Intention.Action.DENY);
  }

  private static Intention rule(String source, String destination, Intention.Action action) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", destination),
        Optional.of(action),
        List.of(),
        source.equals(Intention.WILDCARD) ? 8 : 9,
        false,
        "",
        List.of());
  }

  /** The same rules as callee and as caller: each client picks those that concern it. */
  static IntentionUpdate update(DefaultDecision otherwise, Intention... rules) {
    return new IntentionUpdate(List.of(rules), List.of(rules), otherwise);
  }

  /** A connect-native instance on the loopback address. */
  static Endpoint endpoint(MeshTestAuthority authority, String service, int port) {
    return new Endpoint(
        service + "-" + port,
        "node",
        "127.0.0.1",
        port,
        id(authority, service),
        Endpoint.Kind.NATIVE,
        1);
  }

  static ConsulId.Service id(MeshTestAuthority authority, String service) {
    return (ConsulId.Service)
        SpiffeId.parse(authority.serviceUri(service, "dc1")).consulId().orElseThrow();
  }

  // ---- pushing ----

  FakeControlPlane issue(MeshTestAuthority authority, String service) {
    identities.push(identity(authority, service));
    return this;
  }

  FakeControlPlane roots(MeshTestAuthority... authorities) {
    roots.push(trust(authorities));
    return this;
  }

  FakeControlPlane intentions(IntentionUpdate update) {
    intentions.push(update);
    return this;
  }

  FakeControlPlane endpoints(String service, Endpoint... known) {
    Destination destination = Destination.parse(service);
    feed(destination)
        .push(
            new EndpointSet(
                destination,
                List.of(known),
                known.length == 0
                    ? EndpointSet.Emptiness.NO_INSTANCE
                    : EndpointSet.Emptiness.NOT_EMPTY,
                List.of()));
    return this;
  }

  Feed<WorkloadIdentity> identityFeed() {
    return identities;
  }

  Feed<TrustUpdate> trustFeed() {
    return roots;
  }

  Feed<IntentionUpdate> intentionFeed() {
    return intentions;
  }

  Feed<EndpointSet> endpointFeed(String service) {
    return feed(Destination.parse(service));
  }

  private Feed<EndpointSet> feed(Destination destination) {
    return endpoints.computeIfAbsent(destination, d -> new Feed<>());
  }

  // ---- what the client did ----

  /** How many endpoint watches run. */
  int openWatches() {
    return openWatches.get();
  }

  boolean isClosed() {
    return closes.get() > 0;
  }

  // ---- the SPI ----

  @Override
  public IdentitySource identity() {
    return new IdentitySource() {
      @Override
      public void start(Sink<WorkloadIdentity> sink) {
        identities.start(sink);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public TrustSource trust() {
    return new TrustSource() {
      @Override
      public void start(Sink<TrustUpdate> sink) {
        roots.start(sink);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public IntentionSource intentions() {
    return new IntentionSource() {
      @Override
      public void start(Sink<IntentionUpdate> sink) {
        intentions.start(sink);
      }

      @Override
      public void close() {}
    };
  }

  @Override
  public EndpointSource endpoints() {
    return new EndpointSource() {
      @Override
      public Watch watch(Destination destination, Sink<EndpointSet> sink) {
        openWatches.incrementAndGet();
        feed(destination).start(sink);
        AtomicInteger ended = new AtomicInteger();
        return () -> {
          if (ended.getAndIncrement() == 0) {
            openWatches.decrementAndGet();
          }
        };
      }

      @Override
      public void close() {}
    };
  }

  /** Closing does not silence the feeds: a push may be on its way while a client closes. */
  @Override
  public void close() {
    closes.incrementAndGet();
  }

  @Override
  public String toString() {
    return "fake control plane";
  }
}
