package io.meshnative.internal.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.meshnative.AuditSink;
import io.meshnative.CatalogEntry;
import io.meshnative.DialOptions;
import io.meshnative.Lease;
import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.MeshIdentity;
import io.meshnative.MeshListener;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshObserver;
import io.meshnative.MeshPeer;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshSnapshot;
import io.meshnative.MeshState;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.RequestGate;
import io.meshnative.RequestLease;
import io.meshnative.RetireListener;
import io.meshnative.RetirePolicy;
import io.meshnative.StalePolicy;
import io.meshnative.Subscription;
import io.meshnative.Withdrawal;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.Registration;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.internal.tls.MeshSslContext;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.ProofStore;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.internal.transport.Acceptor;
import io.meshnative.internal.transport.Denials;
import io.meshnative.internal.transport.DestinationSockets;
import io.meshnative.internal.transport.Dialer;
import io.meshnative.internal.transport.HostNames;
import io.meshnative.internal.transport.LiveConnections;
import io.meshnative.internal.transport.Openings;
import io.meshnative.internal.transport.PeerCheck;
import io.meshnative.internal.transport.PolicyCheck;
import io.meshnative.internal.transport.Refusal;
import io.meshnative.internal.transport.ServerContexts;
import io.meshnative.internal.transport.Tally;
import io.meshnative.internal.transport.Upstreams;
import io.meshnative.spi.TlsProvider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** The client: a facade over parts that each have one reason to change. */
final class InProcessMeshClient implements MeshClient {
  private static final long TICK_MILLIS = 250;
  private static final long DRAIN_LOOK_MILLIS = 20;
  private static final Duration WATCHERS = Duration.ofSeconds(1);

  private static final MeshObserver.DialObserver NOBODY =
      new MeshObserver.DialObserver() {
        @Override
        public void connected() {}

        @Override
        public void failed(Throwable failure) {}
      };

  /** What the builder collected, besides the sources. */
  record Settings(
      StalePolicy stalePolicy,
      RetirePolicy retirePolicy,
      TlsProvider tls,
      boolean inboundTls12,
      boolean outboundTls12,
      boolean resumption,
      Clock clock) {}

  private final String service;
  private final ClientBuilder.Sources sources;
  private final Settings settings;
  private final Workers workers;
  private final Events events;
  private final Optional<AuditTrail> audit;
  private final StateBoard states;
  private final Publisher publisher;
  private final TlsEngines engines;
  private final PolicyCheck check;
  private final LiveConnections live;
  private final Tally tally;
  private final TrustAssembly trust;
  private final PolicyAssembly policy;
  private final Upstreams upstreams;
  private final Dialer dialer;
  private final ServerContexts servers;
  private final PeerCheck peers;
  private final Optional<Registration> registration;
  private final Membership membership;

  /** The same object for whoever holds one; of those that nobody holds, nothing stays. */
  private final Cache<Destination, SSLContext> clientContexts =
      Caffeine.newBuilder().weakValues().executor(Runnable::run).build();

  private final Set<Acceptor> listeners = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean leaving = new AtomicBoolean();
  private final Farewells farewells;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile @Nullable ScheduledFuture<?> ticking;

  InProcessMeshClient(
      String service,
      ClientBuilder.Sources sources,
      Optional<Registration> registration,
      Settings settings,
      Workers workers,
      List<MeshListener> hearers,
      Optional<AuditSink> sink) {
    this.service = service;
    this.sources = sources;
    this.settings = settings;
    this.workers = workers;
    this.farewells = new Farewells(workers.executor());
    Clock clock = settings.clock();
    this.events = new Events(service, workers.executor());
    hearers.forEach(events::subscribe);
    this.audit =
        sink.map(taker -> new AuditTrail(service, taker, workers.threads("audit"), clock, events));
    this.states = new StateBoard(service, sources.description(), clock, events);
    this.publisher =
        new Publisher(
            PolicyVersion.denyAll(0, "no intentions have been loaded yet from the control plane"));
    this.engines =
        new TlsEngines(
            settings.tls(),
            settings.inboundTls12(),
            settings.outboundTls12(),
            settings.resumption(),
            publisher,
            new ProofStore(),
            clock);
    this.check = new PolicyCheck(service, engines.verifier(), clock);
    Denials denials =
        new Denials(
            check, publisher, events, record -> audit.ifPresent(trail -> trail.accept(record)));
    this.tally = denials.tally();
    this.live =
        new LiveConnections(
            publisher,
            check,
            settings.retirePolicy(),
            () -> ThreadLocalRandom.current().nextLong(),
            workers.executor(),
            workers.scheduler(),
            events,
            denials);
    engines.authority(live);
    this.trust = new TrustAssembly(publisher, engines.verifier(), clock, states, events);
    this.policy =
        new PolicyAssembly(
            new Intention.Destination(sources.partition(), sources.namespace(), service),
            publisher,
            settings.stalePolicy(),
            clock,
            System::nanoTime,
            states,
            events);
    this.upstreams = new Upstreams(sources.endpoints(), clock::instant, workers.executor(), events);
    Openings openings = new Openings();
    HostNames names = new HostNames(workers.executor());
    this.dialer =
        new Dialer(
            engines,
            publisher,
            check,
            upstreams,
            millis -> states.await(Duration.ofMillis(millis)),
            denials,
            openings,
            workers.scheduler(),
            names);
    this.servers =
        new ServerContexts(engines, live, workers.scheduler(), openings, names, this::listen);
    this.peers = new PeerCheck(engines.verifier(), publisher, check);
    this.registration = registration;
    this.membership = new Membership(service, sources.registrar(), workers, clock, events, states);
  }

  void start() {
    membership.start();
    registration.ifPresent(membership::enter);
    try {
      audit.ifPresent(AuditTrail::start);
      ticking =
          workers
              .scheduler()
              .scheduleWithFixedDelay(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
      sources.trust().start(trust.trustSink());
      sources.identity().start(trust.identitySink());
      sources.intentions().start(policy);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private void tick() {
    try {
      String why = policy.tick();
      TrustEpoch epoch = publisher.current().trust();
      if (epoch != null) {
        String lifeless = lifeless(epoch.identity());
        why = lifeless == null ? why : lifeless;
      }
      states.expired(why);
      trust.tick();
      live.tick();
      upstreams.tick();
    } catch (RuntimeException e) {
      System.getLogger("io.meshnative")
          .log(System.Logger.Level.WARNING, "[" + service + "] a timer failed; it goes on", e);
    }
  }

  /** Why an identity is of no use at this time; null if it is. */
  private @Nullable String lifeless(WorkloadIdentity identity) {
    Instant now = settings.clock().instant();
    if (now.isAfter(identity.notAfter())) {
      return "the identity " + identity.id() + " ended at " + identity.notAfter();
    }
    if (now.isBefore(identity.notBefore())) {
      return "the identity "
          + identity.id()
          + " begins only at "
          + identity.notBefore()
          + ", and here it is "
          + now
          + ": the clock has been set back";
    }
    return null;
  }

  @Override
  public String service() {
    return service;
  }

  @Override
  public MeshState state() {
    return states.state();
  }

  @Override
  public void awaitReady(Duration timeout) throws MeshNotReadyException, InterruptedException {
    states.await(timeout);
  }

  @Override
  public CompletionStage<MeshClient> whenReady() {
    // On the executor: what the application does when it is ready must not hold the thread that
    // watches intentions.
    return states.ready().thenApplyAsync(ready -> this, workers.executor());
  }

  private TrustEpoch epoch() {
    TrustEpoch epoch = publisher.current().trust();
    if (epoch == null) {
      throw new IllegalStateException(states.notReady("for this call").getMessage());
    }
    return epoch;
  }

  @Override
  public MeshIdentity identity() {
    return identityOf(epoch());
  }

  private static MeshIdentity identityOf(TrustEpoch epoch) {
    WorkloadIdentity identity = epoch.identity();
    return new MeshIdentity(
        identity.id(), identity.chain(), identity.notBefore(), identity.notAfter());
  }

  @Override
  public long trustGeneration() {
    TrustEpoch epoch = publisher.current().trust();
    return epoch == null ? 0 : epoch.number();
  }

  @Override
  public List<TrustBundle> trustBundles() {
    TrustEpoch epoch = publisher.current().trust();
    return epoch == null ? List.of() : epoch.bundles();
  }

  @Override
  public MeshSnapshot snapshot() {
    Published pair = publisher.current();
    return new MeshSnapshot(
        service,
        states.state(),
        Optional.ofNullable(pair.trust()).map(InProcessMeshClient::identityOf),
        pair.trust() == null ? 0 : pair.trust().number(),
        pair.policy().number(),
        pair.policy().inbound().size(),
        pair.policy().defaultDecision(),
        pair.policy().inbound().defect(),
        engines.provider().name(),
        engines.fullHandshakes(),
        engines.resumedHandshakes(),
        upstreams.snapshot(),
        live.snapshot(),
        events.lastDenials(),
        audit.map(AuditTrail::dropped).orElse(0L),
        pair.policy().inbound().intentions(),
        tally.judgements(),
        tally.endings(),
        states.contact());
  }

  // ---- outbound ----

  @Override
  public SSLSocket dial(Destination destination, DialOptions options) throws IOException {
    if (closed.get()) { // what is being served while the service leaves may still need others
      throw isClosed();
    }
    return new DestinationSockets(dialer, destination, options).connected();
  }

  @Override
  public SSLContext clientContext(Destination destination) {
    return clientContexts.get(
        destination,
        d ->
            new MeshSslContext(
                engines,
                new Terms.Outbound(d),
                () -> sslSocketFactory(d),
                () -> {
                  throw new UnsupportedOperationException(
                      "expected sockets that dial "
                          + d
                          + "; servers use serverContext() or listen(…)");
                }));
  }

  @Override
  public SSLSocketFactory sslSocketFactory(Destination destination) {
    return dialer.sockets(destination);
  }

  @Override
  public SocketFactory socketFactory(Destination destination, DialOptions options) {
    return new DestinationSockets(dialer, destination, options);
  }

  @Override
  public SocketFactory socketFactory(
      Function<? super SocketAddress, Destination> destinations, DialOptions options) {
    return new DestinationSockets(dialer, destinations, options);
  }

  @Override
  public List<Endpoint> endpoints(Destination destination) {
    return upstreams.endpoints(destination);
  }

  @Override
  public EndpointPool endpointPool(Destination destination, Duration timeout) throws IOException {
    if (closed.get()) {
      throw isClosed();
    }
    long millis = Math.max(1, TimeUnit.MILLISECONDS.convert(timeout));
    return dialer.endpoints(destination, (int) Math.min(millis, Integer.MAX_VALUE));
  }

  @Override
  public Subscription watch(Destination destination, Consumer<EndpointSet> consumer) {
    return upstreams.watch(destination, consumer);
  }

  @Override
  public void verifyPeer(SSLSession session, Destination destination) throws PeerIdentityException {
    peers.verify(session, destination);
  }

  @Override
  public Optional<PeerRefusedException> refusal(Destination destination, Throwable failure) {
    return Refusal.read(destination, failure);
  }

  @Override
  public Subscription onRetire(Destination destination, RetireListener listener) {
    return live.retirements().subscribe(destination, listener);
  }

  // ---- inbound ----

  @Override
  public MeshServerSocket listen(int port) throws IOException {
    return listen(new InetSocketAddress(port), ListenOptions.defaults());
  }

  @Override
  public MeshServerSocket listen(SocketAddress address, ListenOptions options) throws IOException {
    requireOpen();
    Acceptor acceptor =
        new Acceptor(
            engines,
            new Terms.Inbound(Optional.empty(), options.authorizer()),
            options,
            workers.executor(),
            workers.scheduler(),
            workers.threads("accept"),
            address,
            listeners::remove);
    listeners.add(acceptor);
    if (leaving.get()) {
      acceptor.close();
      requireOpen();
    }
    membership.listening(acceptor.getLocalPort());
    return acceptor;
  }

  @Override
  public void listening(int port) {
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("expected a port from 1 to 65535, found " + port);
    }
    membership.listening(port);
  }

  @Override
  public SSLContext serverContext() {
    return servers.context();
  }

  @Override
  public RequestGate requestGate() {
    return servers.gate();
  }

  @Override
  public SSLContext serverContext(RequestGate gate) {
    return servers.context(gate);
  }

  @Override
  public MeshPeer peer(SSLSession session) throws MeshAuthorizationException {
    return live.peer(session);
  }

  @Override
  public MeshPeer peer(X509Certificate leaf) throws MeshAuthorizationException {
    return live.peer(leaf);
  }

  @Override
  public RequestLease admit(
      MeshPeer peer, HttpRequestView request, Consumer<Decision.Denied> onWithdrawn)
      throws MeshAuthorizationException {
    return live.admit(peer, request, onWithdrawn);
  }

  @Override
  public Lease track(SSLSession session, Consumer<Withdrawal> close) {
    return live.track(session, close);
  }

  @Override
  public boolean isRetiring(SSLSession session) {
    return live.isRetiring(session);
  }

  @Override
  public Subscription onLeaving(Runnable stopAccepting) {
    return farewells.subscribe(stopAccepting);
  }

  // ---- both ----

  @Override
  public Decision explain(String source) {
    return publisher.current().policy().inbound().decide(caller(source));
  }

  @Override
  public Decision explain(String source, HttpRequestView request) {
    return publisher.current().policy().inbound().decide(caller(source), request);
  }

  private ConsulId.Service caller(String source) {
    ConsulId.Service self = epoch().self();
    return new ConsulId.Service(
        self.trustDomain(),
        self.partition(),
        self.namespace(),
        self.datacenter(),
        Destination.parse(source).service());
  }

  @Override
  public Decision explain(Destination destination) {
    return publisher.current().policy().outbound(destination).decide(epoch().self());
  }

  @Override
  public Subscription subscribe(MeshListener listener) {
    return events.subscribe(listener);
  }

  @Override
  public Subscription observe(MeshObserver observer) {
    return engines.observers().add(observer);
  }

  @Override
  public MeshObserver.DialObserver observeDial(Destination destination) {
    MeshObserver.DialObserver watching = engines.observers().adapterDial(destination);
    return watching == null ? NOBODY : watching;
  }

  private void requireOpen() throws MeshNotReadyException {
    if (leaving.get()) {
      throw isClosed();
    }
  }

  private MeshNotReadyException isClosed() {
    return new MeshNotReadyException("the mesh client of " + service + " is closed", null);
  }

  // ---- the end ----

  @Override
  public CatalogEntry register(Registration registration) {
    CatalogEntry entry = membership.enter(registration);
    if (leaving.get()) { // an end that came before, or in between, has found nothing to take out
      entry.close();
      throw new IllegalStateException(
          "expected the mesh client of " + service + " to be open, found it closed or closing");
    }
    return entry;
  }

  @Override
  public CompletionStage<Void> shutdown(Duration drain) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    leaving.set(true);
    Thread leaver =
        workers
            .threads("shutdown")
            .newThread(() -> {
              long begun = System.nanoTime(); // no wall clock: it may jump
              try {
                if (membership.hide()) {
                  awaitWatchers(drain);
                }
                stopAccepting();
                awaitDrained(begun, drain);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              } finally {
                close();
                // Another thread may be closing; the stage tells when that is done.
                ended.thenRun(() -> done.complete(null));
              }
            });
    leaver.start();
    return done;
  }

  /** Those who watch the catalog are told within a moment; until then they still come. */
  private static void awaitWatchers(Duration drain) throws InterruptedException {
    Duration half = drain.dividedBy(2);
    TimeUnit.NANOSECONDS.sleep((half.compareTo(WATCHERS) < 0 ? half : WATCHERS).toNanos());
  }

  /** Not reached any more: what is open goes on. */
  private void stopAccepting() {
    farewells.say();
    for (Acceptor acceptor : listeners) {
      try {
        acceptor.close();
      } catch (IOException e) {
        System.getLogger("io.meshnative")
            .log(System.Logger.Level.DEBUG, "closing " + acceptor + " failed", e);
      }
    }
  }

  private void awaitDrained(long begun, Duration drain) throws InterruptedException {
    while (!live.isEmpty() && Duration.ofNanos(System.nanoTime() - begun).compareTo(drain) < 0) {
      TimeUnit.MILLISECONDS.sleep(DRAIN_LOOK_MILLIS);
    }
  }

  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    // An interrupt would end the calls that deregister and log out, and leave both undone. Each is
    // bounded; the interrupt is for whatever the caller does next.
    boolean interrupted = Thread.interrupted();
    try {
      closeOnce();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      ended.complete(null);
    }
  }

  private void closeOnce() {
    MeshException reason =
        new MeshNotReadyException("the mesh client of " + service + " was closed", null);
    leaving.set(true);
    quietly("deregistering", membership::end);
    quietly("closing listeners", this::stopAccepting);
    quietly(
        "ending the policy",
        () ->
            publisher.end(
                PolicyVersion.denyAll(
                    publisher.current().policy().number() + 1, "the mesh client is closed")));
    quietly(
        "closing connections",
        () -> live.closeAll(reason)); // what is admitted after the end is denied
    quietly("ending dials", dialer::close);
    quietly("closing upstreams", upstreams::close);
    quietly("closing the control plane", sources.close());
    quietly("ending the timer", this::stopTicking);
    quietly("telling the state", states::close);
    quietly("closing the audit trail", () -> audit.ifPresent(AuditTrail::close));
    workers.close();
  }

  /** An injected scheduler lives on; the tick must not, nor the client that it holds. */
  private void stopTicking() {
    ScheduledFuture<?> running = ticking;
    if (running != null) {
      running.cancel(false);
    }
  }

  /**
   * A step that fails, in a source or a registrar of the application's, must not keep the next one
   * from being taken.
   */
  private void quietly(String step, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      System.getLogger("io.meshnative")
          .log(
              System.Logger.Level.WARNING,
              "[" + service + "] " + step + " failed; the rest is closed",
              e);
    }
  }

  @Override
  public String toString() {
    return "MeshClient[" + service + ", " + states.state() + ", " + sources.description() + "]";
  }
}
