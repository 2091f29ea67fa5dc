package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.internal.flight.ControlPlaneErrorEvent;
import io.meshnative.internal.flight.Flight;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.ProtocolException;
import java.net.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.Credentials;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.Buffer;
import okio.BufferedSource;
import okio.HashingSource;
import org.jspecify.annotations.Nullable;

/**
 * Makes single calls to the agent. Thread-safe.
 *
 * <p>The token travels in a header, never in a URL, and shows in no message. Nothing stands between
 * us and the agent: no proxy, no redirect, no cookie, no cache.
 */
final class AgentClient implements AutoCloseable {
  private static final Logger LOG = System.getLogger(AgentClient.class.getName());
  private static final MediaType JSON = MediaType.get("application/json");

  /**
   * A body of 1,000 instances has about 1.5 MB; this is what no honest agent reaches, with all the
   * bodies together that are being read at a time.
   */
  static final long MAX_BODY = 256L << 20;

  private static final int MAX_ERROR_BODY = 4096;
  private static final int PIECE = 64 * 1024;
  private static final int MAX_FAILING = 1000;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(10);

  /** How long a body may take after the agent began to answer. */
  private static final Duration BODY_TIME = Duration.ofMinutes(2);

  private final ConsulConfig config;
  private final OkHttpClient shared;
  private final List<AgentRoute> routes;
  private final Set<Calls> holding = ConcurrentHashMap.newKeySet();
  private final AtomicReference<Link> link = new AtomicReference<>(new Link(0, 0));
  private final Tokens tokens;
  private final FramingGuard framing = new FramingGuard();
  private final AtomicLong beingRead = new AtomicLong();

  /** How often in a row a call has failed, by method and path; what succeeds leaves. */
  private final Map<String, Integer> failing = new ConcurrentHashMap<>();

  private volatile String service = "";

  /**
   * To whom calls go now. A new token makes a new link too: what was learnt before, such as an
   * index, means nothing on it.
   */
  private record Link(int number, int place) {}

  AgentClient(ConsulConfig config) throws ControlPlaneException {
    this(config, client -> new ConfiguredTokens(config));
  }

  AgentClient(ConsulConfig config, Function<AgentClient, Tokens> tokens)
      throws ControlPlaneException {
    this.config = config;
    boolean anyTls = config.addresses().stream().anyMatch(config::usesTls);
    AgentTls tls = anyTls ? AgentTls.of(config) : null;
    this.shared =
        new OkHttpClient.Builder()
            // Else it loads the JDK's authorities, for each client anew, for TLS that nobody
            // speaks.
            .connectionSpecs(
                anyTls
                    ? List.of(ConnectionSpec.MODERN_TLS, ConnectionSpec.CLEARTEXT)
                    : List.of(ConnectionSpec.CLEARTEXT))
            .connectTimeout(CONNECT_TIMEOUT)
            .writeTimeout(WRITE_TIMEOUT)
            .proxy(Proxy.NO_PROXY)
            .followRedirects(false)
            .followSslRedirects(false)
            .connectionPool(new ConnectionPool(4, 30, TimeUnit.SECONDS))
            .addNetworkInterceptor(AgentClient::once)
            .build();
    this.routes =
        config.addresses().stream()
            .map(address -> AgentRoute.of(address, config, shared, tls, framing))
            .toList();
    this.tokens = tokens.apply(this);
  }

  /**
   * Makes a call and reads its whole answer. Where several agents are configured and the one in use
   * does not answer, the others are asked in turn.
   *
   * @param call what to ask
   * @param calls whose call it is
   * @return the answer, if its status is 200
   * @throws ControlPlaneException else, with the next step in its message
   */
  Answer execute(AgentCall call, Calls calls) throws ControlPlaneException {
    try {
      Answer answer = ask(call, calls);
      succeeded(call);
      return answer;
    } catch (ControlPlaneException e) {
      if (!calls.isCancelled()) {
        failed(call, e);
      }
      throw e;
    }
  }

  private void succeeded(AgentCall call) {
    if (!failing.isEmpty()) {
      failing.remove(describe(call));
    }
  }

  private void failed(AgentCall call, ControlPlaneException failure) {
    if (failing.size() >= MAX_FAILING) {
      failing.clear(); // counts for recordings, no more
    }
    String what = describe(call);
    int inARow = failing.merge(what, 1, Integer::sum);
    ControlPlaneErrorEvent event = Flight.controlPlaneError();
    if (event != null) {
      event.end(service, what, failure.status().orElse(0), inARow, failure.getMessage());
    }
  }

  /** An answer of 200 that nobody can use. */
  void unusable(String call, int inARow, IOException failure) {
    ControlPlaneErrorEvent event = Flight.controlPlaneError();
    if (event != null) {
      event.end(service, call, 200, inARow, failure.getMessage());
    }
  }

  /** Whose client this is, for recordings. */
  void owner(String name) {
    service = name;
  }

  private Answer ask(AgentCall call, Calls calls) throws ControlPlaneException {
    int attempts = routes.size();
    boolean secondToken = false;
    while (true) {
      Link used = Objects.requireNonNull(link.get());
      AgentRoute route = routes.get(used.place);
      String token = token(call);
      try {
        return send(call, calls, used, route, token);
      } catch (AgentFailure.Refusal e) {
        ControlPlaneException failure = e.failure();
        if (e.tokenUnknown() && call.rights().own() == null && !secondToken) {
          secondToken = true;
          if (tokens.refused(token)) {
            continue;
          }
        }
        boolean next = e.agentIsolated() && failOver(used, failure);
        if (!next || --attempts <= 0) {
          throw failure;
        }
      } catch (IOException e) {
        ControlPlaneException failure =
            e instanceof ControlPlaneException known
                ? known
                : AgentFailure.unreachable(describe(call), route.shown(), unwrapped(e));
        if (calls.isCancelled()) {
          throw failure;
        }
        if (calls.takeRestart()) {
          continue;
        }
        boolean next = !(e instanceof ControlPlaneException) && failOver(used, failure);
        if (!next || --attempts <= 0) {
          throw failure;
        }
      }
    }
  }

  /**
   * OkHttp sends a GET again by itself where the connection that it reused breaks. A blocking call
   * must not be: its index is of the agent that gave it, and one that has restarted counts lower,
   * so that the call would sleep through changes until its hold is over. The watch asks anew,
   * without an index. A protocol exception is one that OkHttp does not retry.
   */
  private static Response once(Interceptor.Chain chain) throws IOException {
    try {
      return chain.proceed(chain.request());
    } catch (IOException e) {
      if (chain.request().url().queryParameter("index") == null) {
        throw e;
      }
      ProtocolException broken = new ProtocolException(e.getMessage());
      broken.initCause(e);
      throw broken;
    }
  }

  /** What broke, where {@link #once} wrapped it. */
  private static IOException unwrapped(IOException e) {
    return e instanceof ProtocolException && e.getCause() instanceof IOException broken
        ? broken
        : e;
  }

  private Answer send(
      AgentCall call, Calls calls, Link used, AgentRoute route, @Nullable String token)
      throws IOException {
    boolean stands = call.hold().isZero() || calls.standsAt(used.number);
    AgentCall sent = stands ? call : call.unblocked();
    Call running = client(route, sent).newCall(request(route, sent, token));
    calls.begin(running);
    boolean held = !sent.hold().isZero();
    if (held) {
      holding.add(calls);
      if (!used.equals(link.get())) {
        calls.restart(); // whoever changed the link may not have seen this call
      }
    }
    framing.goesOn();
    try (Response response = running.execute()) {
      if (response.code() != 200) {
        String line = firstLine(response.body().source(), token, call.rights().hidden());
        throw AgentFailure.refused(
            describe(call), route.shown(), response.code(), line, call.acl());
      }
      return read(call, response, used.number);
    } finally {
      if (held) {
        holding.remove(calls);
      }
      calls.end(running);
    }
  }

  /** Turns to the next agent, unless somebody has done so. Returns whether there is another. */
  private boolean failOver(Link used, ControlPlaneException why) {
    if (routes.size() == 1) {
      return false;
    }
    Link next = new Link(used.number + 1, (used.place + 1) % routes.size());
    if (link.compareAndSet(used, next)) {
      LOG.log(
          Level.WARNING,
          "{0} From here on the agent at {1} is asked.",
          why.getMessage(),
          routes.get(next.place).shown());
      restartHeld();
    }
    return true;
  }

  /** How many agents are configured. */
  int places() {
    return routes.size();
  }

  /** Which of the agents is asked now, from 0 on. */
  int place() {
    return Objects.requireNonNull(link.get()).place;
  }

  /** Makes a call to one agent, whichever is in use; no other is asked if it fails. */
  void executeAt(int place, AgentCall call, Calls calls) throws ControlPlaneException {
    AgentRoute route = routes.get(place);
    Link used = new Link(Objects.requireNonNull(link.get()).number, place);
    try {
      Answer unused = send(call, calls, used, route, token(call));
    } catch (AgentFailure.Refusal e) {
      throw e.failure();
    } catch (IOException e) {
      throw e instanceof ControlPlaneException known
          ? known
          : AgentFailure.unreachable(describe(call), route.shown(), unwrapped(e));
    }
  }

  /** There is another token: calls that wait are made again with it, without losing anything. */
  void tokenChanged() {
    link.updateAndGet(now -> new Link(now.number + 1, now.place));
    restartHeld();
  }

  private void restartHeld() {
    holding.forEach(Calls::restart);
  }

  /** Returns the token that calls carry now; null for none. */
  @Nullable String token() throws ControlPlaneException {
    return tokens.current();
  }

  private @Nullable String token(AgentCall call) throws ControlPlaneException {
    String own = call.rights().own();
    if (own == null) {
      return tokens.current();
    }
    return own.isEmpty() ? null : own;
  }

  /** Returns method and path of a call, for messages. */
  String describe(AgentCall call) {
    return call.method() + " /v1/" + String.join("/", call.path());
  }

  private Answer read(AgentCall call, Response response, int link) throws IOException {
    long longest = call.longestBody();
    if (response.body().contentLength() > longest) {
      throw tooLong(call, longest); // it says so itself: not a byte of it is needed
    }
    Buffer body = new Buffer();
    HashingSource source = HashingSource.sha256(response.body().source());
    long counted = 0;
    try {
      for (long got = source.read(body, PIECE); got != -1; got = source.read(body, PIECE)) {
        framing.goesOn();
        counted += got;
        boolean tooMuch = beingRead.addAndGet(got) > MAX_BODY;
        if (tooMuch || body.size() > longest) {
          body.clear();
          throw tooLong(call, longest);
        }
      }
    } finally {
      beingRead.addAndGet(-counted);
    }
    return Answer.of(response.headers(), body, source.hash(), link);
  }

  private ControlPlaneException tooLong(AgentCall call, long longest) {
    return AgentFailure.unusable(
        describe(call),
        "expected a body of at most "
            + (longest >> 20)
            + " MiB, and all that are read at a time of at most "
            + (MAX_BODY >> 20)
            + ", found a longer one",
        null);
  }

  private static OkHttpClient client(AgentRoute route, AgentCall call) {
    // The agent adds a random part of up to a sixteenth to the wait, against herds.
    Duration read = call.hold().plus(call.hold().dividedBy(16)).plus(call.patience());
    return route
        .http()
        .newBuilder()
        .readTimeout(read)
        .callTimeout(CONNECT_TIMEOUT.plus(read).plus(BODY_TIME))
        .build();
  }

  private Request request(AgentRoute route, AgentCall call, @Nullable String token) {
    HttpUrl.Builder url = route.base().newBuilder();
    call.path().forEach(url::addPathSegment);
    call.query().forEach(parameter -> url.addQueryParameter(parameter.name(), parameter.value()));
    boolean ownNamespace =
        call.query().stream().noneMatch(parameter -> parameter.name().equals("ns"));
    boolean ownPartition =
        call.query().stream().noneMatch(parameter -> parameter.name().equals("partition"));
    // Open-source agents answer 400 to these, even to ns=default: only where they are configured.
    if (ownNamespace) {
      config.namespace().ifPresent(namespace -> url.addQueryParameter("ns", namespace));
    }
    if (ownPartition) {
      config.partition().ifPresent(partition -> url.addQueryParameter("partition", partition));
    }
    Request.Builder request =
        new Request.Builder().url(url.build()).header("User-Agent", "mesh-native");
    if (token != null) {
      request.header("X-Consul-Token", token);
    }
    if (route.host() != null) {
      request.header("Host", route.host());
    }
    config.basicAuth().ifPresent(both -> request.header("Authorization", credentials(both)));
    RequestBody body = call.body() == null ? null : RequestBody.create(call.body(), JSON);
    boolean needsBody = !call.method().equals("GET");
    return request
        .method(call.method(), needsBody && body == null ? RequestBody.create(new byte[0]) : body)
        .build();
  }

  private static String credentials(String both) {
    int colon = both.indexOf(':');
    return Credentials.basic(
        both.substring(0, colon), both.substring(colon + 1), StandardCharsets.UTF_8);
  }

  private static String firstLine(
      BufferedSource source, @Nullable String token, @Nullable String hidden) throws IOException {
    source.request(MAX_ERROR_BODY);
    String text =
        source
            .getBuffer()
            .snapshot((int) Math.min(MAX_ERROR_BODY, source.getBuffer().size()))
            .utf8();
    String line = text.lines().findFirst().orElse("").strip();
    if (token != null) {
      line = line.replace(token, "(the token)");
    }
    if (hidden != null) {
      line = line.replace(hidden, "(the bearer token)");
    }
    return line.isEmpty() ? "" : Shown.quote(line);
  }

  /** Logs out, closes idle connections; running calls are cancelled by their watches. */
  @Override
  public void close() {
    tokens.close();
    shared.dispatcher().executorService().shutdown();
    shared.connectionPool().evictAll();
  }
}
