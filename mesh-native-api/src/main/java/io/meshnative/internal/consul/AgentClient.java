package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulAddress;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.ConnectionPool;
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

  /** A body of 1,000 instances has about 1.5 MB; this is what no honest agent reaches. */
  static final long MAX_BODY = 256L << 20;

  private static final int MAX_ERROR_BODY = 4096;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private static final Duration WRITE_TIMEOUT = Duration.ofSeconds(10);

  /** How long a body may take after the agent began to answer. */
  private static final Duration BODY_TIME = Duration.ofMinutes(2);

  private final OkHttpClient http;
  private final HttpUrl base;
  private final String shownAddress;
  private final ConsulConfig config;
  private volatile @Nullable String lastToken;

  AgentClient(ConsulConfig config) throws ControlPlaneException {
    ConsulAddress address = config.address();
    if (address.scheme() == ConsulAddress.Scheme.UNIX) {
      throw new ControlPlaneException(
          "expected an agent at http:// or https://, found "
              + address
              + ": unix sockets are not supported yet; set CONSUL_HTTP_ADDR to the agent's HTTP"
              + " address",
          0,
          null,
          null);
    }
    this.config = config;
    this.shownAddress = address.toString();
    this.lastToken = config.currentToken().orElse(null);
    OkHttpClient.Builder builder =
        new OkHttpClient.Builder()
            .connectTimeout(CONNECT_TIMEOUT)
            .writeTimeout(WRITE_TIMEOUT)
            .proxy(Proxy.NO_PROXY)
            .followRedirects(false)
            .followSslRedirects(false)
            .connectionPool(new ConnectionPool(4, 30, TimeUnit.SECONDS))
            .addNetworkInterceptor(AgentClient::once);
    String host = address.host();
    boolean tls = address.scheme() == ConsulAddress.Scheme.HTTPS;
    if (tls) {
      AgentTls agentTls = AgentTls.of(config);
      builder.sslSocketFactory(agentTls.sockets(), agentTls.trust());
      if (!config.verify()) {
        LOG.log(
            Level.WARNING,
            "The certificate of the Consul agent at {0} is not verified (CONSUL_HTTP_SSL_VERIFY):"
                + " whoever answers there hands out identities and policy.",
            shownAddress);
        builder.hostnameVerifier((name, session) -> true);
      }
      String serverName = config.tlsServerName().orElse(null);
      if (serverName != null) {
        // The URL bears the name that is to be proven, in SNI and certificate; only its address
        // comes from
        // CONSUL_HTTP_ADDR.
        String dialled = host;
        builder.dns(name -> List.of(InetAddress.getAllByName(dialled)));
        host = serverName;
      }
    }
    this.http = builder.build();
    this.base =
        new HttpUrl.Builder()
            .scheme(tls ? "https" : "http")
            .host(host)
            .port(address.port())
            .addPathSegments(address.path().isEmpty() ? "v1" : address.path().substring(1) + "/v1")
            .build();
  }

  /**
   * Makes a call and reads its whole answer.
   *
   * @param call what to ask
   * @param calls whose call it is
   * @return the answer, if its status is 200
   * @throws ControlPlaneException else, with the next step in its message
   */
  Answer execute(AgentCall call, Calls calls) throws ControlPlaneException {
    String what = describe(call);
    String token = token();
    Call running = client(call).newCall(request(call, token));
    try {
      calls.begin(running);
      try (Response response = running.execute()) {
        if (response.code() != 200) {
          String line = firstLine(response.body().source(), token);
          throw AgentFailure.refused(what, shownAddress, response.code(), line, call.acl());
        }
        return read(what, response);
      } finally {
        calls.end(running);
      }
    } catch (ControlPlaneException e) {
      throw e;
    } catch (ProtocolException e) {
      throw AgentFailure.unreachable(what, shownAddress, e.getCause() instanceof IOException broken ? broken : e);
    } catch (IOException e) {
      throw AgentFailure.unreachable(what, shownAddress, e);
    }
  }

  /**
   * OkHttp sends a GET again by itself where the connection that it reused breaks. A blocking call must not be: its index
   * is of the agent that gave it, and one that has restarted counts lower, so that the call would sleep through changes
   * until its hold is over. The watch asks anew, without an index. A protocol exception is one that OkHttp does not retry.
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

  /** Returns method and path of a call, for messages. */
  String describe(AgentCall call) {
    return call.method() + " /v1/" + String.join("/", call.path());
  }

  private Answer read(String what, Response response) throws IOException {
    Buffer body = new Buffer();
    HashingSource source = HashingSource.sha256(response.body().source());
    while (source.read(body, 64 * 1024) != -1) {
      if (body.size() > MAX_BODY) {
        throw AgentFailure.unusable(
            what, "expected a body of at most 256 MiB, found a longer one", null);
      }
    }
    return Answer.of(response.headers(), body, source.hash());
  }

  private OkHttpClient client(AgentCall call) {
    // The agent adds a random part of up to a sixteenth to the wait, against herds.
    Duration read = call.hold().plus(call.hold().dividedBy(16)).plus(call.patience());
    return http.newBuilder()
        .readTimeout(read)
        .callTimeout(CONNECT_TIMEOUT.plus(read).plus(BODY_TIME))
        .build();
  }

  private Request request(AgentCall call, @Nullable String token) {
    HttpUrl.Builder url = base.newBuilder();
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

  private @Nullable String token() {
    try {
      lastToken = config.currentToken().orElse(null);
    } catch (IllegalArgumentException e) {
      // A file that is being replaced: the last token may serve on, and if not, the agent says so.
      LOG.log(Level.WARNING, "{0}; the token read before is used on.", e.getMessage());
    }
    return lastToken;
  }

  private static String firstLine(BufferedSource source, @Nullable String token)
      throws IOException {
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
    return line.isEmpty() ? "" : Shown.quote(line);
  }

  /** Closes idle connections; running calls are cancelled by their watches. */
  @Override
  public void close() {
    http.dispatcher().executorService().shutdown();
    http.connectionPool().evictAll();
  }
}
