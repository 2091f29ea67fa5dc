package io.meshnative.httpserver;

import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.RequestGate;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's HTTP server as a member of the mesh: mutual TLS with the service's identity, intentions
 * down to paths, methods and headers, and no proxy.
 *
 * <pre>{@code
 * MeshHttpServer server = MeshHttpServer.create(client, new InetSocketAddress(8443));
 * server.createContext("/", exchange -> {
 *   MeshPeer caller = MeshHttpServer.peer(exchange);
 *   ...
 * });
 * server.start();
 * }</pre>
 *
 * <p>It is used like any {@link HttpsServer}. What differs:
 *
 * <ul>
 *   <li>TLS is the mesh's: {@link #setHttpsConfigurator} is refused.
 *   <li>A request is judged before anything of the application sees it, its filters and
 *       authenticators included. The JDK's server behind this one has a single context, which
 *       nobody else holds, with the filter that judges; all contexts of the application lie behind
 *       it. So there is none that it could miss, and {@link #start} may arm the gate.
 *   <li>A request that has a second reading is answered 400 and its connection is closed; one that
 *       the policy denies is answered 403, both as {@link io.meshnative.HttpRefusal} says.
 *   <li>Who calls is {@link #peer}, the attribute {@value #PEER} and, unless an authenticator of
 *       the context says otherwise, {@link HttpExchange#getPrincipal}: the SPIFFE id in the trust
 *       domain as realm. Headers by which proxies tell identities are taken out of each request
 *       ({@link io.meshnative.IdentityHeaders}).
 *   <li>Attributes that are set on an exchange are seen by that exchange only; those of the context
 *       shine through. (The JDK's own exchanges share them, so that a caller could be taken for
 *       another one.)
 *   <li>When the right to a request is withdrawn while it runs, its connection is closed at once:
 *       the handler's next read or write throws.
 *   <li>Without {@link #setExecutor}, requests run on threads of the server, never on the one that
 *       dispatches: a caller that goes silent in its handshake would stop everybody else.
 * </ul>
 *
 * <p>What the JDK does by itself, before a filter can see a request: {@code Expect: 100-continue}
 * is answered with 100, whatever the decision will be; a request line or framing that it cannot
 * read is refused with 400 or 501, or by closing. An idle connection whose peer has lost its right
 * carries nothing more, and its socket is closed with the next byte or after the JDK's idle
 * interval of 30 seconds.
 *
 * <p>Thread-safe. The client is not closed with the server.
 */
public final class MeshHttpServer extends HttpsServer {
  /** The attribute of an exchange that holds the {@link MeshPeer} who calls. */
  public static final String PEER = "io.meshnative.peer";

  private final MeshClient client;
  private final RequestGate gate;
  private final HttpServerLimits limits;
  private final HttpsServer jdk;
  private final Contexts contexts;
  private final Turns turns;
  private @Nullable Executor executor;

  private MeshHttpServer(MeshClient client, HttpServerLimits limits, HttpsServer jdk) {
    this.client = client;
    this.limits = limits;
    this.jdk = jdk;
    this.gate = client.requestGate();
    this.contexts = new Contexts(this);
    this.turns = new Turns(client.service(), limits);
    jdk.setHttpsConfigurator(
        new HttpsConfigurator(client.serverContext(gate)) {
          @Override
          public void configure(HttpsParameters parameters) {
            parameters.setNeedClientAuth(true); // the engine insists anyway
          }
        });
    HttpContext all = jdk.createContext("/", contexts);
    all.getFilters().add(new Enforcement(client));
  }

  /**
   * Makes a server with the default limits, bound and not started.
   *
   * @param client whose identity and intentions it has
   * @param address where it listens; port 0 for one that is free
   * @return the server
   * @throws IOException if the address cannot be bound
   */
  public static MeshHttpServer create(MeshClient client, InetSocketAddress address)
      throws IOException {
    return create(client, address, HttpServerLimits.defaults());
  }

  /**
   * Makes a server, bound and not started.
   *
   * @param client whose identity and intentions it has
   * @param address where it listens; port 0 for one that is free
   * @param limits what callers may take
   * @return the server
   * @throws IOException if the address cannot be bound
   * @throws IllegalStateException if another HTTP server was put in the place of the JDK's
   */
  public static MeshHttpServer create(
      MeshClient client, InetSocketAddress address, HttpServerLimits limits) throws IOException {
    Objects.requireNonNull(client, "client");
    Objects.requireNonNull(address, "address");
    HttpsServer jdk = HttpsServer.create(address, limits.backlog());
    if (!jdk.getClass().getModule().equals(HttpServer.class.getModule())) {
      jdk.stop(0);
      throw new IllegalStateException(
          "expected the HTTP server of the JDK, found "
              + jdk.getClass().getName()
              + ": what it routes on was not examined; remove its HttpServerProvider from the class"
              + " path, or the system property com.sun.net.httpserver.HttpServerProvider");
    }
    return new MeshHttpServer(client, limits, jdk);
  }

  /**
   * Tells who calls.
   *
   * @param exchange an exchange that a handler or filter of this server was given, or a wrapper
   *     that passes on its attributes
   * @return the peer, whose right to this request was proven
   * @throws IllegalArgumentException if the exchange is of another server
   */
  public static MeshPeer peer(HttpExchange exchange) {
    if (exchange.getAttribute(PEER) instanceof MeshPeer peer) {
      return peer;
    }
    throw new IllegalArgumentException(
        "expected an exchange of a MeshHttpServer, found " + exchange.getClass().getName());
  }

  /**
   * Starts serving in the background, and enters the service into the catalog where the client was
   * told to by {@link io.meshnative.discovery.Registration#ofListener}.
   */
  @Override
  public void start() {
    Executor given = executor;
    jdk.setExecutor(turns.on(given));
    // Proven by construction: the JDK's server has one context, which is ours alone, and no
    // handler of the application runs but behind its filter.
    gate.arm();
    try {
      jdk.start();
    } catch (RuntimeException e) {
      gate.disarm();
      throw e;
    }
    client.listening(getAddress().getPort());
  }

  /**
   * Stops listening, waits for running requests, then closes all connections.
   *
   * @param delay how long to wait, in seconds; not negative
   */
  @Override
  public void stop(int delay) {
    jdk.stop(delay);
    gate.disarm();
    turns.close();
  }

  /**
   * Returns whether requests are judged one by one: true from {@link #start} to {@link #stop}.
   * Before and after, only callers whom a layer-4 intention lets through could connect.
   *
   * @return whether the gate is armed
   */
  public boolean isArmed() {
    return gate.isArmed();
  }

  /**
   * Sets what runs handshakes and handlers.
   *
   * @param executor runs each task on a thread that it does not share with the caller; null for
   *     threads of the server
   * @throws IllegalStateException if the server was started
   */
  @Override
  public void setExecutor(@Nullable Executor executor) {
    jdk.setExecutor(turns.on(executor)); // throws if it is too late
    this.executor = executor;
  }

  @Override
  public @Nullable Executor getExecutor() {
    return executor;
  }

  /**
   * Is refused: TLS comes from the mesh.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public void setHttpsConfigurator(HttpsConfigurator configurator) {
    throw new UnsupportedOperationException(
        "expected TLS to be left to the mesh client of "
            + client.service()
            + ", found another configurator; for a server with TLS of its own use HttpsServer");
  }

  /**
   * Returns null: the context of the mesh lets in peers whose requests have to be judged, and is
   * nothing for other servers.
   */
  @Override
  public @Nullable HttpsConfigurator getHttpsConfigurator() {
    return null;
  }

  @Override
  public void bind(InetSocketAddress address, int backlog) throws IOException {
    jdk.bind(address, backlog);
  }

  @Override
  public HttpContext createContext(String path, HttpHandler handler) {
    return contexts.add(path, Objects.requireNonNull(handler, "handler"));
  }

  @Override
  public HttpContext createContext(String path) {
    return contexts.add(path, null);
  }

  @Override
  public void removeContext(String path) {
    contexts.remove(path);
  }

  @Override
  public void removeContext(HttpContext context) {
    contexts.remove(context);
  }

  @Override
  public InetSocketAddress getAddress() {
    return jdk.getAddress();
  }

  /** Returns the service, the address and the limits. */
  @Override
  public String toString() {
    return "MeshHttpServer[" + client.service() + " at " + getAddress() + ", " + limits + "]";
  }
}
