package io.meshnative.internal.transport;

import io.meshnative.DialOptions;
import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.MeshNotReadyException;
import io.meshnative.NoEndpointException;
import io.meshnative.discovery.Attempt;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.ConsulId;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Opens connections to destinations: finds, picks, connects, shakes hands; the next endpoint where
 * one fails.
 *
 * <p>Whatever fails, everything that was opened on the way is closed. One budget covers it all.
 *
 * <p>A handshake that fails because of the session that was resumed, or offered, is tried once more
 * without: the peer's certificates have ended since, or their proof was dropped, or the peer
 * refuses the session instead of passing over it. Never where the peer is another one, or where a
 * policy is against it.
 */
public final class Dialer implements AutoCloseable {
  /** Waits until the client has an identity, as long as the budget allows. */
  public interface Readiness {
    /** Throws {@link MeshNotReadyException} if the time has passed. */
    void await(long millis) throws MeshNotReadyException, InterruptedException;
  }

  /** A handshake failed because of a session, which is forgotten now; tells how. */
  private static final class StaleSession extends IOException {
    private static final long serialVersionUID = 1L;
    private final IOException told;

    StaleSession(IOException told) {
      super(told.getMessage(), told);
      this.told = told;
    }
  }

  private final TlsEngines engines;
  private final Publisher publisher;
  private final PolicyCheck check;
  private final Upstreams upstreams;
  private final Readiness readiness;
  private final Denials denials;
  private final ScheduledExecutorService scheduler;
  private final HostNames names;

  private final Openings openings;
  private volatile boolean closed;

  public Dialer(
      TlsEngines engines,
      Publisher publisher,
      PolicyCheck check,
      Upstreams upstreams,
      Readiness readiness,
      Denials denials,
      Openings openings,
      ScheduledExecutorService scheduler,
      HostNames names) {
    this.engines = engines;
    this.publisher = publisher;
    this.check = check;
    this.upstreams = upstreams;
    this.readiness = readiness;
    this.denials = denials;
    this.openings = openings;
    this.scheduler = scheduler;
    this.names = names;
  }

  /** Ends the dials that are under way; their callers are told that the client is closed. */
  @Override
  public void close() {
    closed = true;
    names.close();
    openings.close();
  }

  /** Dials within the options' budget, or the shorter one given. */
  TlsChannel dial(
      Destination destination, DialOptions options, int timeoutMillis, SocketPreparer preparer)
      throws IOException {
    DialWatch watch = DialWatch.begin(check.service(), destination, engines.observers());
    if (watch == null) {
      return dial(destination, options, timeoutMillis, preparer, null);
    }
    TlsChannel channel;
    try {
      channel = dial(destination, options, timeoutMillis, preparer, watch);
    } catch (IOException | RuntimeException | Error e) {
      watch.failed(e);
      throw e;
    }
    watch.connected();
    return channel;
  }

  private TlsChannel dial(
      Destination destination,
      DialOptions options,
      int timeoutMillis,
      SocketPreparer preparer,
      @Nullable DialWatch watch)
      throws IOException {
    long most = Math.min(TimeUnit.MILLISECONDS.convert(options.timeout()), Integer.MAX_VALUE);
    long millis = timeoutMillis > 0 ? Math.min(timeoutMillis, most) : most;
    Deadline budget = Deadline.afterMillis((int) Math.max(1, millis));
    awaitReady(destination, budget);
    requireIdentity();
    if (options.endpoint().isPresent()) {
      return dialOnly(destination, options.endpoint().get(), options, budget, preparer, watch);
    }
    EndpointPool pool = known(destination, budget);
    List<Endpoint> order = pool.order(options.stickyKey().orElse(null));
    if (order.isEmpty()) {
      throw DialFailures.none(destination, upstreams.use(destination), true); // they left just now
    }
    return tryEach(destination, options, pool, order, budget, preparer, watch);
  }

  /** The endpoints of a destination, once there are any. */
  public EndpointPool endpoints(Destination destination, int timeoutMillis) throws IOException {
    Deadline budget = Deadline.afterMillis(timeoutMillis);
    awaitReady(destination, budget);
    requireIdentity();
    return known(destination, budget);
  }

  private EndpointPool known(Destination destination, Deadline budget) throws IOException {
    Upstream upstream = upstreams.use(destination);
    boolean known = upstream.await(budget);
    if (!known || upstream.endpoints().map(EndpointSet::endpoints).orElse(List.of()).isEmpty()) {
      requireAllowed(destination);
      throw DialFailures.none(destination, upstream, known);
    }
    return upstream.pool();
  }

  private TlsChannel tryEach(
      Destination destination,
      DialOptions options,
      EndpointPool pool,
      List<Endpoint> order,
      Deadline budget,
      SocketPreparer preparer,
      @Nullable DialWatch watch)
      throws IOException {
    List<IOException> failures = new ArrayList<>();
    for (int i = 0; i < order.size(); i++) {
      Endpoint endpoint = order.get(i);
      // A dead endpoint must leave time for the next ones: each but the last gets its share of what
      // is left.
      int left = order.size() - i;
      Deadline share =
          left == 1
              ? budget
              : Deadline.afterMillis(Math.max(1, budget.remainingMillis() / Math.min(left, 3)));
      if (watch != null) {
        watch.tries(endpoint);
      }
      Terms.Outbound terms = new Terms.Outbound(destination, target(destination, endpoint));
      Try one = () -> attempt(terms, pool.begin(endpoint), options, share, preparer);
      try {
        return onceMoreIfStale(one);
      } catch (MeshAuthorizationException e) {
        throw e; // ours to settle; no other endpoint would answer differently
      } catch (IOException e) {
        if (closed) {
          throw DialFailures.closed(destination, e);
        }
        if (isOurOwnEnd(e)) {
          throw e; // ours to settle too; where it is the peer's that ended, the next endpoint may
          // be better
        }
        failures.add(e);
        if (Thread.currentThread().isInterrupted() || budget.expired()) {
          break;
        }
      }
    }
    throw DialFailures.all(destination, order, failures, budget);
  }

  /** One connect and handshake. */
  private interface Try {
    TlsChannel run() throws IOException;
  }

  /** The session is forgotten by then, so the second try is a full handshake. */
  private TlsChannel onceMoreIfStale(Try one) throws IOException {
    try {
      return one.run();
    } catch (StaleSession e) {
      if (closed) {
        throw e.told;
      }
    }
    try {
      return one.run();
    } catch (StaleSession e) {
      throw e.told;
    }
  }

  /** Connects to the endpoint of an attempt, and says how it went. */
  private TlsChannel attempt(
      Terms.Outbound terms,
      Attempt attempt,
      DialOptions options,
      Deadline share,
      SocketPreparer preparer)
      throws IOException {
    AtomicBoolean stood = new AtomicBoolean();
    // A channel that never stood ends as well, and must not say that it was closed: the attempt
    // would take that for no fault of the endpoint's, and nobody would ever be ejected.
    Runnable onClosed =
        () -> {
          if (stood.get()) {
            attempt.closed();
          }
        };
    boolean endpointsFault = false;
    try {
      TlsChannel channel = connect(terms, attempt.endpoint(), options, share, preparer, onClosed);
      attempt.succeeded();
      stood.set(true);
      if (channel.isClosed()) {
        attempt.closed();
      }
      return channel;
    } catch (IOException e) {
      endpointsFault =
          !closed
              && !(e instanceof StaleSession)
              && !(e instanceof MeshAuthorizationException)
              && !isOurOwnEnd(e);
      throw e;
    } finally {
      if (!stood.get()) {
        if (endpointsFault) {
          attempt.failed();
        } else {
          attempt.closed();
        }
      }
    }
  }

  private boolean isOurOwnEnd(IOException e) {
    return e instanceof IdentityExpiredException && ownIdentityHasEnded();
  }

  private TlsChannel dialOnly(
      Destination destination,
      Endpoint endpoint,
      DialOptions options,
      Deadline budget,
      SocketPreparer preparer,
      @Nullable DialWatch watch)
      throws IOException {
    // Whoever the caller says, it is the destination, unless its discovery chain leads there too.
    Destination target =
        upstreams.offers(destination, endpoint) ? target(destination, endpoint) : destination;
    if (watch != null) {
      watch.tries(endpoint);
    }
    try {
      Terms.Outbound terms = new Terms.Outbound(destination, target);
      return onceMoreIfStale(() -> connect(terms, endpoint, options, budget, preparer, () -> {}));
    } catch (IOException e) {
      if (closed) {
        throw DialFailures.closed(destination, e);
      }
      if (e instanceof MeshException || e instanceof SocketTimeoutException) {
        throw e;
      }
      throw new NoEndpointException(
          destination,
          "expected "
              + destination
              + " at "
              + endpoint.address()
              + ", found no connection: "
              + e.getMessage(),
          e);
    }
  }

  /** The service that an endpoint belongs to. */
  private Destination target(Destination destination, Endpoint endpoint) throws MeshException {
    ConsulId.Service own = requireIdentity().self();
    ConsulId.Service id = endpoint.identity();
    if (id.service().equals(destination.service())
        && id.namespace().equals(destination.namespace())
        && id.partition().equals(destination.partition())
        && id.datacenter().equals(destination.datacenter().orElse(own.datacenter()))) {
      return destination;
    }
    Destination.Builder target =
        Destination.builder(id.service()).namespace(id.namespace()).partition(id.partition());
    if (!id.datacenter().equals(own.datacenter())) {
      target.datacenter(id.datacenter());
    }
    return target.build();
  }

  private TlsChannel connect(
      Terms.Outbound terms,
      Endpoint endpoint,
      DialOptions options,
      Deadline budget,
      SocketPreparer preparer,
      Runnable onClosed)
      throws IOException {
    requireAllowed(terms.target());
    AtomicReference<@Nullable Socket> seen = new AtomicReference<>();
    try {
      return connect(
          terms,
          endpoint,
          options,
          budget,
          raw -> {
            seen.set(raw);
            openings.begin(raw);
            preparer.prepare(raw);
          },
          onClosed,
          endpoint.address().hashCode() & 0x7fff | 1);
    } finally {
      Socket raw = seen.get();
      if (raw != null) {
        openings.end(raw);
      }
    }
  }

  private TlsChannel connect(
      Terms.Outbound terms,
      Endpoint endpoint,
      DialOptions options,
      Deadline budget,
      SocketPreparer preparer,
      Runnable onClosed,
      int hint)
      throws IOException {
    Socket raw = RawSockets.open(endpoint, budget, names, preparer);
    MeshEngine engine;
    TlsChannel channel;
    try {
      engine = engines.engine(terms, endpoint.host(), endpoint.port(), hint);
      channel =
          Channels.over(
              engine,
              made -> {
                made.offer(
                    options.alpn(),
                    Optional.of(
                        options.sni().orElseGet(() -> serverName(terms.target(), made.epoch()))));
                made.transportEnd(() -> {
                  RawSockets.closeQuietly(raw);
                  onClosed.run();
                });
                return new TlsChannel(
                    raw,
                    made,
                    terms.destination() + " at " + endpoint.address(),
                    scheduler,
                    () -> {
                      made.release();
                      onClosed.run();
                    });
              });
    } catch (IOException | RuntimeException | Error e) {
      RawSockets.closeQuietly(raw);
      throw e;
    }
    try {
      channel.handshake(budget);
      return channel;
    } catch (IOException e) {
      MeshException ours = engine.refusal();
      IOException told = e;
      if (ours != null && e != ours) {
        ours.addSuppressed(e);
        told = ours;
      }
      boolean peerRefuses = ours == null && TlsAlerts.received(e) != null;
      if (engine.isSessionStale() || (peerRefuses && engine.offeredSession())) {
        engine.forgetSessions();
        throw new StaleSession(told);
      }
      throw told;
    }
  }

  /** Sockets that go where the caller says, and accept the destination only. */
  public LayeredSockets sockets(Destination destination) {
    return new LayeredSockets(
        (raw, host, port) -> layer(destination, raw, host, port),
        openings,
        names,
        () -> {
          try {
            return engines.engine(new Terms.Outbound(destination), null, -1, 1);
          } catch (MeshNotReadyException e) {
            throw new IllegalStateException(e.getMessage(), e);
          }
        });
  }

  /**
   * Layers TLS over a socket that the caller connected; the destination is expected at its other
   * end.
   */
  private TlsChannel layer(Destination destination, Socket raw, @Nullable String host, int port)
      throws IOException {
    requireAllowed(destination);
    return Channels.over(
        engines.engine(new Terms.Outbound(destination), host, port, port & 0x7fff | 1),
        engine -> {
          engine.offer(List.of(), Optional.of(serverName(destination, engine.epoch())));
          return new TlsChannel(
              raw,
              engine,
              destination + " at " + raw.getRemoteSocketAddress(),
              scheduler,
              engine::release);
        });
  }

  /**
   * The name that Consul gives the target; gateways route by it, sidecars and native peers do not
   * need it.
   */
  private static String serverName(Destination destination, TrustEpoch epoch) {
    ConsulId.Service target = epoch.expected(destination);
    boolean plain = target.partition().equals(ConsulId.DEFAULT);
    return target.service()
        + "."
        + target.namespace()
        + (plain ? "" : "." + target.partition())
        + "."
        + target.datacenter()
        + (plain ? ".internal." : ".internal-v1.")
        + target.trustDomain();
  }

  private void awaitReady(Destination destination, Deadline budget) throws IOException {
    try {
      readiness.await(budget.remainingMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new java.io.InterruptedIOException("interrupted while waiting to dial " + destination);
    }
  }

  private TrustEpoch requireIdentity() throws MeshException {
    return check.liveEpoch(publisher.current());
  }

  private void requireAllowed(Destination destination) throws MeshException {
    Published pair = publisher.current();
    try {
      check.requireDialable(destination, pair, check.liveEpoch(pair));
    } catch (MeshAuthorizationException e) {
      denials.dial(destination, e);
      throw e;
    }
  }

  private boolean ownIdentityHasEnded() {
    try {
      requireIdentity();
      return false;
    } catch (MeshException e) {
      return true;
    }
  }
}
