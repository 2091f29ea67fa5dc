package io.meshnative.benchmarks;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import okhttp3.ConnectionPool;
import okhttp3.ConnectionSpec;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.TlsVersion;

/**
 * From the same OkHttp to the same Jetty: by the library; by TLS that one configures by hand, with
 * the same provider and chains of the same length; and by sidecars in front of plaintext on both
 * sides, where there are any.
 */
final class HttpPaths implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final List<HttpPath> paths = new ArrayList<>();
  private final List<String> missing = new ArrayList<>();
  private final EmbeddedControlPlane plane;
  private final Engine engine;
  private final boolean http2;

  HttpPaths(Engine engine, Protocol protocol) throws Exception {
    this.engine = engine;
    this.http2 = protocol == Protocol.HTTP_2;
    this.plane = keep(EmbeddedControlPlane.builder().defaultAllow(false).start());
    try {
      int chain = mesh();
      hand(chain);
      sidecars();
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  /** Ours, by hand, and the others, in this order. */
  List<HttpPath> all() {
    return List.copyOf(paths);
  }

  /** Which others there are not, and why. */
  List<String> missing() {
    return List.copyOf(missing);
  }

  private <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  private void add(String name, OkHttpClient client, String url, List<Process> others) {
    keep(() -> {
      client.connectionPool().evictAll();
      client.dispatcher().executorService().shutdown();
    });
    Protocol expected = http2 ? Protocol.HTTP_2 : Protocol.HTTP_1_1;
    Request request = new Request.Builder().url(url).build();
    paths.add(new HttpPath(name, client, request, expected, others));
  }

  /** OkHttp keeps 5 idle connections otherwise, and the rest would be handshakes. */
  private static OkHttpClient.Builder client(List<Protocol> protocols) {
    return new OkHttpClient.Builder()
        .connectionPool(new ConnectionPool(64, 5, TimeUnit.MINUTES))
        .connectTimeout(PATIENCE)
        .readTimeout(PATIENCE)
        .protocols(protocols);
  }

  private List<Protocol> byAlpn() {
    return http2 ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1) : List.of(Protocol.HTTP_1_1);
  }

  private MeshClient member(String service) throws Exception {
    MeshClient client =
        keep(
            MeshClient.builder(service)
                .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                .tlsProvider(engine.provider())
                .build());
    client.awaitReady(PATIENCE);
    return client;
  }

  private int mesh() throws Exception {
    plane.allow("web", "api");
    MeshClient web = member("web");
    MeshClient api = member("api");
    HttpService service = keep(HttpService.tls(api.serverContext()));
    plane.register("api", "api-1", "127.0.0.1", service.port());
    web.endpointPool(Destination.parse("api"), PATIENCE);
    add("mesh", MeshOkHttp.install(client(byAlpn()), web).build(), "https://api.mesh/", List.of());
    return web.identity().chain().size();
  }

  private void hand(int chain) throws Exception {
    X509Certificate root = plane.roots().get(0);
    SSLContext server = RawWire.context(engine, plane.caIssue("api"), root, chain);
    SSLContext client = RawWire.context(engine, plane.caIssue("web"), root, chain);
    HttpService service = keep(HttpService.tls(server));
    OkHttpClient calls =
        client(byAlpn())
            .sslSocketFactory(client.getSocketFactory(), RawWire.trust(engine, root))
            .hostnameVerifier((host, session) -> true)
            .connectionSpecs(
                List.of(
                    new ConnectionSpec.Builder(ConnectionSpec.MODERN_TLS)
                        .tlsVersions(TlsVersion.TLS_1_3)
                        .build()))
            .build();
    add("by hand", calls, "https://127.0.0.1:" + service.port() + "/", List.of());
  }

  private void sidecars() throws Exception {
    HttpService behind = keep(HttpService.plain());
    Sidecars sidecars = keep(new Sidecars());
    Optional<String> consul = Sidecars.find("consul");
    if (consul.isPresent()) {
      addPlain("built-in proxies", sidecars.builtIn(consul.get(), behind.port()));
    } else {
      missing.add("Consul's built-in proxies: no consul binary");
    }
    Optional<String> envoy = Sidecars.find("envoy");
    if (envoy.isPresent()) {
      IssuedCertificate web = plane.caIssue("web");
      IssuedCertificate api = plane.caIssue("api");
      addPlain(
          "Envoys",
          sidecars.envoy(
              envoy.get(),
              http2 ? Sidecars.Carried.HTTP2 : Sidecars.Carried.HTTP1,
              behind.port(),
              plane.roots().get(0),
              web,
              api));
    } else {
      missing.add("Envoys: no envoy binary");
    }
  }

  private void addPlain(String name, Sidecars.Pair pair) {
    List<Protocol> protocols = List.of(http2 ? Protocol.H2_PRIOR_KNOWLEDGE : Protocol.HTTP_1_1);
    add(name, client(protocols).build(), "http://127.0.0.1:" + pair.port() + "/", pair.processes());
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
