package io.meshnative.testkit.internal;

import io.meshnative.testkit.TlsFiles;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.logging.Level;
import java.util.logging.Logger;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * The agent's HTTP server: routes requests to the endpoints, applies the faults, counts.
 *
 * <p>One thread a connection, as long as it lives, so a blocked call costs a thread. A client that
 * goes away frees its thread within a second.
 */
public final class AgentServer implements AutoCloseable {
  /** Held, for a logger that nobody holds forgets its level. */
  private static final Logger NOISE = Logger.getLogger(MockWebServer.class.getName());

  private static final Duration FOREVER = Duration.ofDays(1);

  private final Plane plane;
  private final List<AgentPort> ports = new ArrayList<>();
  private final @Nullable UnixRelay relay;
  private final @Nullable AgentTls tls;
  private final List<Endpoint> endpoints;
  private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
  private volatile boolean closed;

  public AgentServer(Plane plane) {
    this.plane = plane;
    this.endpoints =
        List.of(
            new CaEndpoint(plane),
            new AuthorizeEndpoint(plane),
            new IntentionEndpoint(plane),
            new ConfigEntryEndpoint(plane),
            new HealthEndpoint(plane),
            new ChainEndpoint(plane),
            new CatalogEndpoint(plane),
            new QueryEndpoint(plane),
            new AgentEndpoint(plane),
            new AclEndpoint(plane));
    if (NOISE.getLevel() == null) {
      // Every connection that a test cuts would be reported with its stack trace.
      NOISE.setLevel(Level.SEVERE);
    }
    PlaneSettings settings = plane.settings;
    Dispatcher dispatcher =
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
            return serve(request);
          }
        };
    ports.add(new AgentPort(settings.port(), null, false, dispatcher));
    Path directory = settings.tlsDirectory();
    tls = directory == null ? null : new AgentTls(directory, settings.datacenter());
    if (tls != null) {
      ports.add(new AgentPort(0, tls, settings.verifyIncoming(), dispatcher));
    }
    Path socket = settings.unixSocket();
    int last = ports.get(ports.size() - 1).port();
    relay =
        socket == null
            ? null
            : new UnixRelay(socket, new InetSocketAddress(InetAddress.getLoopbackAddress(), last));
  }

  /** The port that speaks plain HTTP. */
  public int port() {
    return ports.get(0).port();
  }

  /** The port that speaks TLS; 0 for none. */
  public int tlsPort() {
    return tls == null ? 0 : ports.get(1).port();
  }

  public @Nullable TlsFiles tlsFiles() {
    return tls == null ? null : tls.files();
  }

  /** How many requests came in whose path starts like this. */
  public long requests(String pathPrefix) {
    return counts.entrySet().stream()
        .filter(entry -> entry.getKey().startsWith(pathPrefix))
        .mapToLong(entry -> entry.getValue().sum())
        .sum();
  }

  /** Resets every connection and refuses new ones, on the same port. */
  public void down() {
    ports.forEach(port -> port.listener().down());
    plane.index.releaseAll();
  }

  /** Serves again after {@link #down()}. */
  public void up() {
    ports.forEach(port -> port.listener().up());
  }

  /** Resets every connection, and takes new ones. */
  public void cut() {
    ports.forEach(port -> port.listener().cut());
    // Their threads look whether they still have a client.
    plane.index.releaseAll();
  }

  /** How many connections are open. */
  public int openConnections() {
    return ports.stream().mapToInt(port -> port.listener().open()).sum();
  }

  private MockResponse serve(RecordedRequest recorded) throws InterruptedException {
    // The server remembers every request for takeRequest(); over a long run that would be a leak.
    for (AgentPort port : ports) {
      port.drain();
    }
    ByteString body = recorded.getBody();
    ApiRequest request =
        ApiRequest.of(
            recorded.getMethod(),
            recorded.getTarget(),
            body == null ? "" : body.utf8(),
            header(recorded, "X-Consul-Token"),
            header(recorded, "Authorization"));
    counts.computeIfAbsent(request.path(), unused -> new LongAdder()).increment();
    pause();
    ApiResponse response = answer(request);
    if (closed || CuttableServerSocket.clientOfThisThreadIsGone()) {
      return new MockResponse.Builder().onResponseStart(new SocketEffect.CloseSocket()).build();
    }
    return render(response);
  }

  private static String header(RecordedRequest request, String name) {
    String value = request.getHeaders().get(name);
    return value == null ? "" : value;
  }

  private void pause() throws InterruptedException {
    FaultSwitches faults = plane.faults;
    if (faults.hanging) {
      waitFor(() -> !faults.hanging, FOREVER);
    }
    if (!faults.delay.isZero()) {
      waitFor(() -> faults.delay.isZero(), faults.delay);
    }
  }

  private void waitFor(java.util.function.BooleanSupplier over, Duration longest)
      throws InterruptedException {
    plane.index.await(
        over, longest, Plane::neverDue, CuttableServerSocket::clientOfThisThreadIsGone);
  }

  private ApiResponse answer(ApiRequest request) throws InterruptedException {
    var canned = plane.faults.statusFor(request.path());
    if (canned.isPresent()) {
      return ApiResponse.text(canned.get().status(), canned.get().text());
    }
    ApiResponse response;
    try {
      response = route(request);
    } catch (ApiError e) {
      response = e.response();
      if (e.isQuery()) {
        plane.query(response, 1, false, "blocking-query");
      }
    }
    if (response == null) {
      return ApiResponse.unknownPath();
    }
    if (!plane.settings.old()) {
      response.header("X-Consul-Default-Acl-Policy", plane.configuredPolicy());
    }
    return response;
  }

  private @Nullable ApiResponse route(ApiRequest request) throws InterruptedException {
    if (request.has("ns")) {
      throw ApiError.badRequest(
          "Invalid query parameter: \"ns\" - Namespaces are a Consul Enterprise feature");
    }
    String dc = request.parameter("dc");
    if (!dc.isEmpty() && !dc.equals(plane.settings.datacenter())) {
      ApiError noPath = new ApiError(500, "No path to datacenter");
      // What the agent answers by itself and, since 1.10, health have no headers of a query.
      boolean health = request.path().startsWith("/v1/health/") && !plane.settings.old();
      boolean bare = health || request.path().startsWith("/v1/agent/");
      throw bare ? noPath : noPath.asQuery();
    }
    if (request.flag("cached") && request.flag("consistent")) {
      throw new ApiError(400, "Cannot specify ?cached with ?consistent, conflicting semantics.");
    }
    plane.servers.require(request);
    for (Endpoint endpoint : endpoints) {
      ApiResponse response = endpoint.answer(request);
      if (response != null) {
        plane.servers.require(request); // they may have gone while the call waited
        return response;
      }
    }
    return null;
  }

  private MockResponse render(ApiResponse response) {
    MockResponse.Builder builder = new MockResponse.Builder().code(response.status);
    response.headers.forEach(builder::setHeader);
    builder.body(plane.faults.garbling ? FaultSwitches.GARBAGE : response.body);
    Duration pause = plane.faults.dripPause;
    if (!pause.isZero()) {
      builder.throttleBody(1, pause.toNanos(), TimeUnit.NANOSECONDS);
    }
    if (plane.faults.truncating && !response.body.isEmpty()) {
      // The length says the whole, the connection ends in the middle.
      builder.onResponseBody(new SocketEffect.CloseSocket());
    }
    return builder.build();
  }

  /** Cuts every connection, ends every wait, frees the port. Does not wait for any client. */
  @Override
  public void close() {
    closed = true;
    // Cut before the waits end, so that nobody writes an answer of a plane that is going.
    ports.forEach(port -> port.listener().down());
    plane.index.close();
    plane.checks.close();
    if (relay != null) {
      relay.close();
    }
    ports.forEach(AgentPort::close);
  }
}
