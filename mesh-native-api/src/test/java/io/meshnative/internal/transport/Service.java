package io.meshnative.internal.transport;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshEvent;
import io.meshnative.PeerAuthorizer;
import io.meshnative.RetirePolicy;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.ProofStore;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.internal.transport.Tls.Vendor;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.Sink;
import io.meshnative.spi.TlsProvider;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.conscrypt.Conscrypt;

/**
 * One service's end of the mesh, put together by hand: what is published has been swept when the
 * call returns, time moves when it is told to, and threads can be held at each named moment.
 */
final class Service implements AutoCloseable {
  private static final TlsProvider CONSCRYPT = TlsProvider.of(Conscrypt.newProvider());

  /** The system's time and what the test adds to it. */
  private static final class HandClock extends Clock {
    private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);

    @Override
    public Instant instant() {
      return Instant.now().plus(ahead.get());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  final Publisher publisher = new Publisher(PolicyVersion.denyAll(0, "nothing is loaded"));
  final Hold hold = new Hold();
  final Queue<MeshEvent> events = new ConcurrentLinkedQueue<>();
  final TlsEngines engines;
  final PolicyCheck check;
  final LiveConnections live;
  final Dialer dialer;
  final Openings openings = new Openings();
  private final String name;
  private final SmallAuthority authority;
  private final WorkloadIdentity identity;
  private final HandClock clock = new HandClock();
  private final AtomicLong numbers = new AtomicLong();
  private final ExecutorService executor = Executors.newCachedThreadPool(Service::daemon);
  private final ScheduledExecutorService scheduler =
      Executors.newScheduledThreadPool(1, Service::daemon);

  Service(String name, SmallAuthority authority, Vendor vendor, Duration leafLife)
      throws Exception {
    this.name = name;
    this.authority = authority;
    this.identity = authority.identity(name, leafLife);
    this.engines =
        new TlsEngines(
            vendor == Vendor.JSSE ? TlsProvider.jsse() : CONSCRYPT,
            true,
            false,
            false,
            publisher,
            new ProofStore(),
            clock);
    this.check = new PolicyCheck(name, engines.verifier(), clock);
    Denials denials = new Denials(check, publisher, events::add, record -> {});
    this.live =
        new LiveConnections(
            publisher,
            check,
            RetirePolicy.defaults(),
            new Random(42),
            executor,
            scheduler,
            events::add,
            denials,
            hold);
    engines.authority(live);
    HostNames names = new HostNames(executor);
    Upstreams upstreams = new Upstreams(new NoEndpoints(), clock::instant, executor, events::add);
    this.dialer =
        new Dialer(
            engines,
            publisher,
            check,
            upstreams,
            millis -> {},
            denials,
            openings,
            scheduler,
            names);
    roots(authority);
    rules();
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "service");
    thread.setDaemon(true);
    return thread;
  }

  /** Every dial here is given its endpoint. */
  private static final class NoEndpoints implements EndpointSource {
    @Override
    public Watch watch(Destination destination, Sink<EndpointSet> sink) {
      throw new IllegalStateException("expected no watch, found one of " + destination);
    }

    @Override
    public void close() {}
  }

  static Intention deny(String source, String destination) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", destination),
        Optional.of(Intention.Action.DENY),
        List.of(),
        9,
        false,
        "",
        List.of());
  }

  // ---- what changes ----

  /** Who may call whom besides: everybody. Swept when this returns. */
  void rules(Intention... rules) {
    IntentionTable table =
        IntentionTable.compile(
            new Intention.Destination("default", "default", name),
            List.of(rules),
            DefaultDecision.ALLOW);
    publisher.policy(
        PolicyVersion.of(numbers.incrementAndGet(), table, List.of(rules), DefaultDecision.ALLOW));
  }

  /** Trusts the roots of this authority alone; the own identity stays. */
  void roots(SmallAuthority trusted) throws Exception {
    publisher.trust(
        trusted == authority
            ? TrustEpoch.of(
                numbers.incrementAndGet(),
                identity,
                trusted.trust().local(),
                trusted.trust().bundles(),
                engines.verifier(),
                clock.instant())
            : TrustEpoch.underForeignRoots(
                numbers.incrementAndGet(), identity, trusted.trust().bundles()));
  }

  /** Lets time pass, or brings it back, and looks at the clock as the timer does. */
  void advance(Duration by) {
    clock.ahead.updateAndGet(by::plus);
    live.tick();
  }

  // ---- connections ----

  Acceptor listen() throws IOException {
    return new Acceptor(
        engines,
        inbound(PeerAuthorizer.intentions()),
        ListenOptions.defaults(),
        executor,
        scheduler,
        Service::daemon,
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
        closed -> {});
  }

  MeshEngine serverEngine() throws IOException {
    return engines.engine(inbound(PeerAuthorizer.intentions()), "127.0.0.1", 1, 0);
  }

  private static Terms.Inbound inbound(PeerAuthorizer authorizer) {
    return new Terms.Inbound(Optional.empty(), authorizer);
  }

  /** Dials whatever listens on a port, expecting a destination there. */
  MeshSocket dial(String destination, int port) throws IOException {
    Endpoint endpoint =
        new Endpoint(
            destination + "-1",
            "node",
            "127.0.0.1",
            port,
            new ConsulId.Service(SmallAuthority.DOMAIN, "default", "default", "dc1", destination),
            Endpoint.Kind.NATIVE,
            1);
    return new DestinationSockets(
            dialer,
            Destination.parse(destination),
            DialOptions.defaults().withTimeout(Duration.ofMinutes(2)).withEndpoint(endpoint))
        .connected();
  }

  @Override
  public void close() {
    hold.letGo();
    dialer.close();
    live.closeAll(new io.meshnative.MeshNotReadyException("the test is over", null));
    executor.shutdownNow();
    scheduler.shutdownNow();
  }
}
