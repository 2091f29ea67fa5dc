package io.meshnative;

import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.Registration;
import io.meshnative.identity.TrustBundle;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.TlsProvider;
import io.meshnative.spi.TrustSource;
import java.io.IOException;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * A service's membership in the mesh: its identity, whom it may call, who may call it.
 *
 * <pre>{@code
 * try (MeshClient mesh = MeshClient.create("web")) {
 *   try (SSLSocket db = mesh.dial("db")) {          // found, balanced, connected, proven to be db
 *     db.getOutputStream().write(request);
 *   }
 * }
 *
 * try (MeshClient mesh = MeshClient.create("db"); MeshServerSocket server = mesh.listen(9443)) {
 *   while (true) {
 *     SSLSocket caller = server.accept();           // only peers that an intention lets through
 *     MeshPeer who = mesh.peer(caller.getSession());
 *     // …
 *   }
 * }
 * }</pre>
 *
 * <p>The promise: no byte of application data flows on a connection that the policy now held
 * denies, be it resumed or not, pooled or not, old or new; and no request fails because a
 * certificate, a root, an intention or an endpoint changed. A connection whose right is withdrawn
 * is closed while it is open.
 *
 * <p>One client serves one service identity. Thread-safe; make one and keep it. Nothing here blocks
 * on the control plane unless it says so.
 */
public interface MeshClient extends AutoCloseable {

  /**
   * Makes a client from the environment ({@code CONSUL_HTTP_ADDR}, {@code CONSUL_HTTP_TOKEN} and
   * the other variables of the Consul API client) and waits up to 10 seconds until it is ready.
   *
   * @param service the service's name in Consul
   * @return a ready client
   * @throws MeshNotReadyException if it is not ready in time, or the thread is interrupted; the
   *     client has been closed then
   * @throws IllegalArgumentException if the name or a variable cannot be used
   */
  static MeshClient create(String service) throws MeshNotReadyException {
    MeshClient client = builder(service).build();
    try {
      client.awaitReady(Duration.ofSeconds(10));
      return client;
    } catch (InterruptedException e) {
      client.close();
      Thread.currentThread().interrupt();
      throw new MeshNotReadyException(
          "interrupted while waiting for the mesh client of " + service, e);
    } catch (MeshNotReadyException | RuntimeException e) {
      client.close();
      throw e;
    }
  }

  /**
   * Starts a builder.
   *
   * @param service the service's name in Consul
   * @return the builder
   * @throws IllegalArgumentException if it is not a service name
   * @throws IllegalStateException if no implementation is found, which means a broken class path
   */
  static Builder builder(String service) {
    return ServiceLoader.load(MeshClientProvider.class, MeshClientProvider.class.getClassLoader())
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException(
                "expected an implementation of MeshClientProvider in mesh-native-api, found none: were its"
                    + " META-INF/services merged away by a shading step?"))
        .builder(service);
  }

  /**
   * Returns the service's name.
   *
   * @return the name given to the builder
   */
  String service();

  /**
   * Returns where the client stands.
   *
   * @return the state
   */
  MeshState state();

  /**
   * Blocks until the client has its identity, roots and policy.
   *
   * @param timeout how long to wait
   * @throws MeshNotReadyException if it is not ready in time or closed; names the address, the last
   *     error and the next step
   * @throws InterruptedException if the thread is interrupted
   */
  void awaitReady(Duration timeout) throws MeshNotReadyException, InterruptedException;

  /**
   * Tells when the client is ready.
   *
   * @return completes with this client when it is ready for the first time, or exceptionally with
   *     {@link MeshNotReadyException} when it is closed before
   */
  CompletionStage<MeshClient> whenReady();

  /**
   * Returns who the client is.
   *
   * @return the identity that new handshakes use
   * @throws IllegalStateException if there is none yet
   */
  MeshIdentity identity();

  /**
   * Returns a number that grows with every change of the identity or of the roots. Intentions do
   * not change it. Pools use it in their keys.
   *
   * @return the number, 0 before the first identity
   */
  long trustGeneration();

  /**
   * Returns the roots that peers are proven under now.
   *
   * @return a bundle for each trusted domain; none before the first
   */
  List<TrustBundle> trustBundles();

  /**
   * Returns what the client knows and does now.
   *
   * @return a snapshot for status pages
   */
  MeshSnapshot snapshot();

  // ---- outbound ----

  /**
   * Opens a connection with the default options.
   *
   * @param destination the service's name
   * @return a connected socket; the peer has proven to be that service
   * @throws IOException see {@link #dial(Destination, DialOptions)}
   */
  default SSLSocket dial(String destination) throws IOException {
    return dial(Destination.parse(destination), DialOptions.defaults());
  }

  /**
   * Opens a connection: finds the endpoints, picks one, connects, does the handshake, verifies who
   * answered. Goes to the next endpoint where one fails. Blocks up to the options' timeout.
   *
   * <p>With Consul, the destination's config entries are followed as sidecars follow them: a
   * service-resolver's redirects, subsets and failover, a service-splitter's weights; of a
   * service-router the catch-all route, since a connection has no path. Who must answer is then the
   * service that they lead to, and its intentions count.
   *
   * @param destination the destination
   * @param options how
   * @return a connected socket; the peer has proven to be that service. With TLS 1.3 the peer may
   *     still refuse us: then the first read or write throws {@link PeerRefusedException}
   * @throws NoEndpointException if there is no endpoint, or none could be reached
   * @throws PeerIdentityException if another one answered
   * @throws MeshAuthorizationException if the intentions say that the destination will refuse us
   * @throws PeerRefusedException if the peer refused us during the handshake
   * @throws IdentityExpiredException if the own identity has ended
   * @throws MeshNotReadyException if there is no identity yet within the timeout
   * @throws java.net.SocketTimeoutException if the timeout has passed
   */
  SSLSocket dial(Destination destination, DialOptions options) throws IOException;

  /**
   * Returns the TLS context for a destination, for programs that connect by themselves. Its engines
   * and sockets accept that service only, whatever address they are connected to. Where config
   * entries lead to another service (see {@link #dial(Destination, DialOptions)}), that is the one
   * to ask a context for: {@link io.meshnative.discovery.Endpoint#identity} names it.
   *
   * @param destination the destination
   * @return always the same object; each engine or socket is made in the newest trust epoch
   */
  SSLContext clientContext(Destination destination);

  /**
   * Returns the socket factory of {@link #clientContext}. Its sockets go to the address that the
   * caller gives and accept the destination only.
   *
   * @param destination the destination
   * @return the factory
   */
  SSLSocketFactory sslSocketFactory(Destination destination);

  /**
   * Returns a factory whose sockets dial the destination, whatever address their {@code connect} is
   * given. For drivers that insist on a host and a port.
   *
   * <p>{@code isClosed()} of these sockets tells of their owner's {@code close()} alone, as with a
   * plain socket that the peer has reset. A driver that asks it before each statement so goes on to
   * its read or write, which throws the reason for which the mesh ended the connection.
   *
   * @param destination the destination
   * @param options how; a timeout given to {@code connect} is used where it is shorter
   * @return the factory
   */
  SocketFactory socketFactory(Destination destination, DialOptions options);

  /**
   * Returns a factory as {@link #socketFactory(Destination, DialOptions)} does, for drivers that
   * choose among several hosts themselves: an address that is given to {@code connect} stands for a
   * destination.
   *
   * @param destinations tells which, once for each socket, on the thread that connects it; what it
   *     throws the caller of {@code connect} gets
   * @param options how; a timeout given to {@code connect} is used where it is shorter
   * @return the factory
   */
  SocketFactory socketFactory(
      Function<? super SocketAddress, Destination> destinations, DialOptions options);

  /**
   * Returns the endpoints known now. The first call starts watching the destination and may return
   * none yet.
   *
   * @param destination the destination
   * @return the healthy endpoints
   */
  List<Endpoint> endpoints(Destination destination);

  /**
   * Returns the endpoints of a destination as its load balancer sees them, for adapters that
   * connect by themselves and layer {@link #sslSocketFactory} over it: {@link EndpointPool#order}
   * says whom to try, {@link EndpointPool#begin} takes the account. Waits until there are any.
   *
   * <p>Who must answer at an endpoint is its {@link io.meshnative.discovery.Endpoint#identity}: the
   * destination, or the service that its config entries lead to.
   *
   * @param destination the destination
   * @param timeout how long to wait for an identity and for endpoints; not negative
   * @return the pool, which follows the catalog
   * @throws NoEndpointException if there is no endpoint, or none was known in time; the message
   *     says why
   * @throws MeshAuthorizationException if there is none and the destination would refuse us too
   * @throws IdentityExpiredException if the own identity has ended
   * @throws MeshNotReadyException if there is no identity yet within the timeout
   * @throws java.io.InterruptedIOException if interrupted
   * @throws IOException none but these
   */
  EndpointPool endpointPool(Destination destination, Duration timeout) throws IOException;

  /**
   * Watches the endpoints of a destination.
   *
   * @param destination the destination
   * @param consumer takes the set known now, if any, and each new one, in order, on the executor;
   *     one that is too slow misses older sets, never the newest
   * @return ends the watch
   */
  Subscription watch(Destination destination, Consumer<EndpointSet> consumer);

  /**
   * Verifies that a session's peer is a destination, under the roots trusted now.
   *
   * @param session a session of an engine or socket of this client, or of another one
   * @param destination whom to expect
   * @throws PeerIdentityException if it is another one, or it cannot be proven
   */
  void verifyPeer(SSLSession session, Destination destination) throws PeerIdentityException;

  /**
   * Reads the failure of a connection that an adapter made by an engine of {@link #clientContext}
   * and that has not carried a byte of the application's: TLS engines tell only in their texts what
   * a peer's alert was, and in TLS 1.3 a server judges our certificate after our handshake has
   * ended (RFC 8446 §4.4.2). Sockets of this client do this by themselves.
   *
   * @param destination whom the connection was to
   * @param failure what ended it, as it came: its causes are looked at too
   * @return the refusal, with the hint to look at the peer's intentions; empty if the failure is
   *     none of the alerts by which a server answers a certificate
   */
  Optional<PeerRefusedException> refusal(Destination destination, Throwable failure);

  /**
   * Tells when the right to call a destination is withdrawn or the own identity ends: dials are
   * denied first, then listeners are told, then connections are closed.
   *
   * @param destination the destination
   * @param listener what to tell
   * @return ends the subscription
   */
  Subscription onRetire(Destination destination, RetireListener listener);

  // ---- inbound ----

  /**
   * Listens on all local addresses with the default options.
   *
   * @param port the port; 0 for one that is free
   * @return the listening socket
   * @throws IOException if the port cannot be bound
   */
  MeshServerSocket listen(int port) throws IOException;

  /**
   * Listens.
   *
   * @param address where
   * @param options how
   * @return the listening socket
   * @throws IOException if the address cannot be bound
   */
  MeshServerSocket listen(SocketAddress address, ListenOptions options) throws IOException;

  /**
   * Tells the client that a server which accepts by itself, on a context of this client, listens
   * now. Enters {@link io.meshnative.discovery.Registration#ofListener} into the catalog under this
   * port, as {@link #listen} does, unless a listener was there before; else does nothing. The
   * adapters for HTTP servers call it.
   *
   * @param port the port that callers are to connect to, 1 to 65535
   * @throws IllegalArgumentException if that is no port
   */
  void listening(int port);

  /**
   * Returns the TLS context for servers that accept by themselves. Its engines let through whom a
   * layer-4 intention lets through; an intention with layer-7 permissions denies. When a right is
   * withdrawn, the engine throws at each further wrap and unwrap.
   *
   * @return always the same object; each engine or socket is made in the newest trust epoch
   */
  SSLContext serverContext();

  /**
   * Makes a gate for {@link #serverContext(RequestGate)}.
   *
   * @return a gate that is not armed
   */
  RequestGate requestGate();

  /**
   * Returns the TLS context for servers whose requests are judged one by one. As {@link
   * #serverContext()} while the gate is not armed.
   *
   * @param gate a gate of this client
   * @return always the same object for the same gate
   */
  SSLContext serverContext(RequestGate gate);

  /**
   * Tells who is at the other end, and whether it is allowed now.
   *
   * @param session a session of an engine or socket of this client
   * @return the peer
   * @throws MeshAuthorizationException if the policy now held denies it
   * @throws IllegalArgumentException if the session is not of this client, or its handshake is not
   *     done
   */
  MeshPeer peer(SSLSession session) throws MeshAuthorizationException;

  /**
   * Tells who has proven a leaf certificate on a live connection of this client, for servers that
   * hand out certificates only.
   *
   * @param leaf the certificate
   * @return the peer
   * @throws MeshAuthorizationException if the policy now held denies it
   * @throws IllegalArgumentException if no live connection has proven it
   */
  MeshPeer peer(X509Certificate leaf) throws MeshAuthorizationException;

  /**
   * Decides over a request, and keeps deciding while it runs: at every change of the policy, the
   * roots or the identity. Does not block.
   *
   * <p>A refused peer may be told {@link Decision.Cause#id()} and nothing more; the rule is for the
   * own log. A right that goes before this returns is a refusal, and {@code onWithdrawn} is not
   * called.
   *
   * @param peer who asks; as given by this client
   * @param request the canonical request
   * @param onWithdrawn is called once, on a thread of the library, if the right is withdrawn while
   *     the lease is open; its denial holds the request. Not called where the connection merely
   *     ends
   * @return the right to go on; close it when the response has ended
   * @throws MeshAuthorizationException if the request is denied; its decision holds the request
   * @throws IllegalArgumentException if the peer was not made by this client
   */
  RequestLease admit(MeshPeer peer, HttpRequestView request, Consumer<Decision.Denied> onWithdrawn)
      throws MeshAuthorizationException;

  /**
   * Asks to be told when a connection's right is withdrawn, for adapters whose transport the
   * library cannot close by itself.
   *
   * @param session a session of an engine of this client
   * @param close is called once, on a thread of the library; immediately if the right is gone
   *     already
   * @return ends the tracking
   * @throws IllegalArgumentException if the session is not of this client, or its handshake is not
   *     done
   */
  Lease track(SSLSession session, Consumer<Withdrawal> close);

  /**
   * Tells whether a connection is asked to end: its certificates grow old (see {@link RetirePolicy}
   * and {@link MeshEvent.Retiring}), or it has lost its right already. What runs on it may go on; a
   * pool gives it no new work, so that it is idle by the time that it is cut. Reads one field:
   * cheap enough to ask before each use.
   *
   * @param session a session of an engine or socket of this client, inbound or outbound
   * @return whether to give it no new work; once true, always true
   * @throws IllegalArgumentException if the session is not of this client, or its handshake is not
   *     done
   */
  boolean isRetiring(SSLSession session);

  /**
   * Tells when this client leaves the mesh, for servers that accept by themselves: in {@link
   * #shutdown} once the catalog hides the service and those who watch it have had their moment, in
   * {@link #close()} at once. It is when {@link #listen} sockets close. A server stops accepting
   * then and asks its open connections to end; {@link #shutdown} waits for them.
   *
   * @param stopAccepting is called once, on the executor, or where the client is closed already on
   *     the caller's thread; returns quickly
   * @return ends the subscription
   */
  Subscription onLeaving(Runnable stopAccepting);

  /**
   * Enters the service into the catalog once the client is ready, for servers whose port is known
   * only when they listen; where it is known before, {@link Builder#register} is simpler. Does not
   * wait for the control plane; a failure is an event, and it is tried again. Closing the client
   * closes the entry.
   *
   * @param registration what to enter
   * @return the entry, to report how the service is, to hide it, and to take it out
   * @throws IllegalStateException if the service is entered already, the client is closed, or its
   *     control plane has no catalog to enter into
   */
  CatalogEntry register(Registration registration);

  // ---- both ----

  /**
   * Explains whether a service may call this one, by a layer-4 decision.
   *
   * @param source the service's name, in the own namespace and datacenter
   * @return the decision with its reason
   */
  Decision explain(String source);

  /**
   * Explains whether a service may make a request to this one.
   *
   * @param source the service's name, in the own namespace and datacenter
   * @param request the request
   * @return the decision with its reason
   */
  Decision explain(String source, HttpRequestView request);

  /**
   * Explains whether this service may call another one, as far as it may read the intentions. The
   * peer decides in the end.
   *
   * @param destination the destination
   * @return the decision with its reason
   */
  Decision explain(Destination destination);

  /**
   * Hears events from now on.
   *
   * @param listener what to tell
   * @return ends the subscription
   */
  Subscription subscribe(MeshListener listener);

  /**
   * Watches dials and handshakes while they run.
   *
   * @param observer called on the threads that do the work; must return quickly
   * @return ends it, for dials and handshakes that begin later
   */
  Subscription observe(MeshObserver observer);

  /**
   * Says that an adapter begins to connect to a destination by itself, as with {@link
   * #endpointPool} and {@link #sslSocketFactory}, so that its dials are measured as the client's
   * own are. TLS over it is watched in any case.
   *
   * @param destination who is dialled
   * @return what to tell how it goes; does nothing where nobody observes
   */
  MeshObserver.DialObserver observeDial(Destination destination);

  /**
   * Leaves the mesh in order: hidden from the catalog (maintenance mode, else deregistered), a
   * moment for those who watch it (a second, or half of the time given if that is less), listeners
   * closed, open connections drained, deregistered, closed, logged out. Until it is closed, the
   * client still dials for those whom it serves. Returns at once.
   *
   * @param drain how long all of it but the closing may take; open connections are cut then
   * @return completes when the client is closed
   */
  CompletionStage<Void> shutdown(Duration drain);

  /**
   * Leaves the mesh at once: deregisters, stops watching, closes every socket that it opened.
   * Idempotent.
   */
  @Override
  void close();

  /**
   * Builds a client. A setting given twice is refused with {@link IllegalStateException}. Not
   * thread-safe.
   */
  interface Builder {
    /**
     * Uses a Consul agent. Where nothing is set, the environment's ({@link
     * ConsulConfig#fromEnvironment()}).
     *
     * @param config how to reach it
     * @return this
     */
    Builder consul(ConsulConfig config);

    /**
     * Uses another control plane. The client closes it.
     *
     * @param controlPlane the four sources together
     * @return this
     */
    Builder controlPlane(ControlPlane controlPlane);

    /**
     * Takes the identity from this source. The client closes it.
     *
     * @param source the source
     * @return this
     */
    Builder identitySource(IdentitySource source);

    /**
     * Takes the roots from this source. The client closes it.
     *
     * @param source the source
     * @return this
     */
    Builder trustSource(TrustSource source);

    /**
     * Takes the intentions from this source. The client closes it.
     *
     * @param source the source
     * @return this
     */
    Builder intentionSource(IntentionSource source);

    /**
     * Takes the endpoints from this source. The client closes it.
     *
     * @param source the source
     * @return this
     */
    Builder endpointSource(EndpointSource source);

    /**
     * Enters the service into the catalog once it is ready, and takes it out at close.
     *
     * @param registration what to enter
     * @return this
     */
    Builder register(Registration registration);

    /**
     * Sets how long the last good intentions serve while the control plane is away.
     *
     * @param policy the policy; {@link StalePolicy#untilIdentityEnds()} unless set
     * @return this
     */
    Builder stalePolicy(StalePolicy policy);

    /**
     * Sets when connections are asked to end because their certificates grow old.
     *
     * @param policy the policy; {@link RetirePolicy#defaults()} unless set
     * @return this
     */
    Builder retirePolicy(RetirePolicy policy);

    /**
     * Sets whether TLS 1.2 is spoken besides 1.3.
     *
     * @param inbound for callers; on unless set, since Envoy as a client speaks at most 1.2 unless
     *     configured
     * @param outbound for destinations; off unless set
     * @return this
     */
    Builder tls12(boolean inbound, boolean outbound);

    /**
     * Sets whether sessions are resumed. Safe either way: each resumed session is authorized anew.
     *
     * @param on whether to resume; the TLS provider's default unless set
     * @return this
     */
    Builder sessionResumption(boolean on);

    /**
     * Sets the TLS engine.
     *
     * @param provider the provider; Conscrypt where it works, else JSSE, unless set
     * @return this
     */
    Builder tlsProvider(TlsProvider provider);

    /**
     * Sets the clock that judges certificates.
     *
     * @param clock the clock; the system's unless set
     * @return this
     */
    Builder clock(Clock clock);

    /**
     * Sets the scheduler for timers. The client does not shut it down.
     *
     * @param scheduler the scheduler; a daemon thread of the client unless set
     * @return this
     */
    Builder scheduler(ScheduledExecutorService scheduler);

    /**
     * Sets the executor for handshakes of accepted connections and for callbacks. The client does
     * not shut it down. It must run tasks concurrently.
     *
     * @param executor the executor; daemon threads of the client unless set
     * @return this
     */
    Builder executor(Executor executor);

    /**
     * Hears events from the start.
     *
     * @param listener what to tell; may be given several times
     * @return this
     */
    Builder listener(MeshListener listener);

    /**
     * Hands over a record of each refusal and of each withdrawal, with the full reason.
     *
     * @param sink takes the records, on a thread of its own
     * @return this
     */
    Builder auditSink(AuditSink sink);

    /**
     * Makes the client and starts it. Does not wait for the control plane.
     *
     * @return the client
     * @throws IllegalStateException if settings contradict each other
     * @throws IllegalArgumentException if the environment holds a variable that cannot be used
     */
    MeshClient build();
  }
}
