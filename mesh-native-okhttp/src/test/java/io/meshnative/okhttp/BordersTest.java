package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.PushPromise;
import okhttp3.Authenticator;
import okhttp3.Call;
import okhttp3.Cookie;
import okhttp3.CookieJar;
import okhttp3.EventListener;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attempts to get a call from one side of the mesh's border to the other, or to another service.
 */
class BordersTest {
  private World world;
  private Application db;
  private Application other;
  private MockWebServer outside;

  @BeforeEach
  void start() throws Exception {
    world = new World(Engine.CONSCRYPT);
    db = world.serving("db");
    other = world.serving("other");
    outside = world.outside();
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  private OkHttpClient.Builder derived() {
    return world.http().newBuilder();
  }

  private static String get(Call.Factory calls, String url) throws IOException {
    try (Response response = calls.newCall(new Request.Builder().url(url).build()).execute()) {
      assertThat(response.code()).isEqualTo(200);
      return response.body().string();
    }
  }

  private void nobodyWasAsked() {
    assertThat(db.server.getRequestCount()).isZero();
    assertThat(other.server.getRequestCount()).isZero();
    assertThat(outside.getRequestCount()).isZero();
  }

  private static Interceptor leadingTo(String url) {
    return chain -> chain.proceed(chain.request().newBuilder().url(HttpUrl.get(url)).build());
  }

  // ---- names ----

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://DB.MESH/",
        "https://db.mesh./",
        "https://d%62.mesh/",
        "https://ｄｂ.ｍｅｓｈ/",
        "https://db。mesh/",
        "https://user:secret@db.mesh/",
        "https://db.mesh:8443/",
        "http://db.mesh:1/#fragment",
        "http:db.mesh",
        "https://DB.Service.Consul./"
      })
  void aNameOfTheMeshIsOneHoweverItIsSpelled(String url) throws Exception {
    db.answer("db");
    assertThat(world.get(url)).isEqualTo("db");
    assertThat(db.request().getHandshake()).isNotNull();
  }

  /** The application's DNS fails the test for any name but one. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://mesh/",
        "https://.mesh/",
        "https://-.mesh/",
        "https://a b.mesh/",
        "https://db..mesh/",
        "https://db.mesh../",
        "https://x.db.service.consul/",
        "https://db_.mesh/",
        "https://dé.mesh/"
      })
  void whatOnlyLooksLikeOneIsAskedOfNobody(String url) {
    assertThatThrownBy(() -> world.get(url))
        .isInstanceOfAny(IOException.class, IllegalArgumentException.class);
    nobodyWasAsked();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://db.mesh.outside.test/", "http://mesh.outside.test/", "http://dbmesh/"})
  void aNameThatOnlyContainsTheSuffixIsTheApplicationsOwn(String url) {
    List<String> asked = new ArrayList<>();
    OkHttpClient client =
        derived()
            .dns(host -> {
              asked.add(host);
              throw new java.net.UnknownHostException("no " + host);
            })
            .build();
    assertThatThrownBy(() -> get(client, url)).isInstanceOf(IOException.class);
    assertThat(asked).containsExactly(HttpUrl.get(url).host());
    nobodyWasAsked();
  }

  @Test
  void addressesAreOutsideTheMeshThoseOfTokensToo() throws Exception {
    db.answer("db");
    assertThat(world.get("https://db.mesh/")).isEqualTo("db"); // a token address is given out
    outside.enqueue(new MockResponse.Builder().body("outside").build());
    assertThat(world.get("http://127.0.0.1:" + outside.getPort() + "/")).isEqualTo("outside");
    for (String token : List.of("https://[100::1]/", "https://[100::2]/", "http://[100::1]/")) {
      OkHttpClient client = derived().addInterceptor(leadingTo(token)).build();
      assertThatThrownBy(() -> get(client, "https://other.mesh/")).isInstanceOf(IOException.class);
    }
    assertThat(db.server.getRequestCount()).isEqualTo(1);
    assertThat(other.server.getRequestCount()).isZero();
  }

  // ---- interceptors that change the call on its way ----

  @Test
  void anInterceptorLeadsNoCallAcrossTheBorder() {
    String out = World.url(outside, "/");
    record Way(String from, String to) {}
    for (Way way :
        List.of(
            new Way("https://db.mesh/", out),
            new Way("https://db.mesh/", "https://" + World.OUTSIDE + ":" + outside.getPort()),
            new Way("https://db.mesh/", "http://127.0.0.1:" + outside.getPort()),
            new Way("https://db.mesh/", "https://other.mesh/"),
            new Way("https://db.mesh/", "http://other.mesh/"),
            new Way("https://db.mesh/", "http://db.mesh/"),
            new Way(out, "https://db.mesh/"),
            new Way(out, "http://db.mesh/"))) {
      OkHttpClient client = derived().addInterceptor(leadingTo(way.to())).build();
      assertThatThrownBy(() -> get(client, way.from()))
          .as(way.toString())
          .isInstanceOf(IOException.class);
    }
    nobodyWasAsked();
  }

  @Test
  void anInterceptorBeforeTheMeshMayChooseWhomToCall() throws Exception {
    OkHttpClient client = derived().build();
    OkHttpClient.Builder builder = client.newBuilder();
    builder.interceptors().add(0, leadingTo("http://db.mesh/"));
    db.answer("db");
    assertThat(get(builder.build(), World.url(outside, "/"))).isEqualTo("db");
  }

  @Test
  void anAuthenticatorLeadsNoCallAcrossTheBorder() {
    for (String to : List.of("https://other.mesh/", World.url(outside, "/"))) {
      db.server.enqueue(new MockResponse.Builder().code(401).build());
      Authenticator elsewhere =
          (route, response) -> response.request().newBuilder().url(to).build();
      OkHttpClient client = derived().authenticator(elsewhere).build();
      assertThatThrownBy(() -> get(client, "https://db.mesh/")).isInstanceOf(IOException.class);
    }
    assertThat(other.server.getRequestCount()).isZero();
    assertThat(outside.getRequestCount()).isZero();
  }

  @Test
  void anAuthenticatorAnswersAMeshServiceAsAnyOther() throws Exception {
    db.server.enqueue(new MockResponse.Builder().code(401).build());
    db.answer("in");
    Authenticator basic =
        (route, response) ->
            response.request().newBuilder().header("Authorization", "Basic eA==").build();
    assertThat(get(derived().authenticator(basic).build(), "https://db.mesh/")).isEqualTo("in");
    db.request();
    assertThat(db.request().getHeaders().get("Authorization")).isEqualTo("Basic eA==");
  }

  @Test
  void aHostHeaderOfAnotherServiceGoesToTheOneThatTheUrlNames() throws Exception {
    db.answer("db");
    Request request =
        new Request.Builder().url("https://db.mesh/").header("Host", "other.mesh").build();
    try (Response response = world.call(request).execute()) {
      assertThat(response.body().string()).isEqualTo("db");
    }
    assertThat(other.server.getRequestCount()).isZero();
  }

  // ---- proxies ----

  private MockWebServer proxy() throws IOException {
    MockWebServer proxy = world.outside();
    proxy.enqueue(new MockResponse.Builder().body("by proxy").build());
    return proxy;
  }

  private static Proxy http(MockWebServer proxy) {
    return new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", proxy.getPort()));
  }

  private static ProxySelector always(Proxy proxy, List<String> asked) {
    return new ProxySelector() {
      @Override
      public List<Proxy> select(URI uri) {
        asked.add(uri.getHost());
        return List.of(proxy);
      }

      @Override
      public void connectFailed(URI uri, SocketAddress address, IOException failure) {}
    };
  }

  @Test
  void aFixedProxyIsForCallsOutsideAlone() throws Exception {
    MockWebServer proxy = proxy();
    OkHttpClient client = derived().proxy(http(proxy)).build();
    db.answer("db");
    assertThat(get(client, "https://db.mesh/")).isEqualTo("db");
    assertThat(proxy.getRequestCount()).isZero();
    assertThat(get(client, World.url(outside, "/"))).isEqualTo("by proxy");
    assertThat(outside.getRequestCount()).isZero();
  }

  @Test
  void aProxySelectorIsAskedForCallsOutsideAlone() throws Exception {
    MockWebServer proxy = proxy();
    List<String> asked = new CopyOnWriteArrayList<>();
    OkHttpClient client = derived().proxySelector(always(http(proxy), asked)).build();
    db.answer("db");
    assertThat(get(client, "https://db.mesh/")).isEqualTo("db");
    assertThat(asked).isEmpty();
    assertThat(get(client, World.url(outside, "/"))).isEqualTo("by proxy");
    assertThat(asked).containsExactly(World.OUTSIDE);
  }

  @Test
  void systemPropertiesOfProxiesAreForCallsOutsideAlone() throws Exception {
    MockWebServer proxy = proxy();
    List<String> names =
        List.of("http.proxyHost", "http.proxyPort", "https.proxyHost", "https.proxyPort");
    List<String> before = names.stream().map(System::getProperty).toList();
    try {
      for (String name : names) {
        System.setProperty(
            name, name.endsWith("Host") ? "127.0.0.1" : String.valueOf(proxy.getPort()));
      }
      OkHttpClient client = derived().build();
      db.answer("db");
      assertThat(get(client, "https://db.mesh/")).isEqualTo("db");
      assertThat(get(client, World.url(outside, "/"))).isEqualTo("by proxy");
      assertThat(proxy.getRequestCount()).isEqualTo(1);
    } finally {
      for (int i = 0; i < names.size(); i++) {
        if (before.get(i) == null) {
          System.clearProperty(names.get(i));
        } else {
          System.setProperty(names.get(i), before.get(i));
        }
      }
    }
  }

  /** A proxy looks names up itself, and would be told this one before anybody could object. */
  @Test
  void noProxyHearsAMeshNameFromACallThatWasLedThere() throws Exception {
    MockWebServer proxy = proxy();
    Proxy socks = new Proxy(Proxy.Type.SOCKS, new InetSocketAddress("127.0.0.1", proxy.getPort()));
    for (String to : List.of("https://db.mesh/", "http://db.mesh/", "https://-.mesh/")) {
      for (Proxy one : List.of(http(proxy), socks)) {
        OkHttpClient fixed = derived().proxy(one).addInterceptor(leadingTo(to)).build();
        OkHttpClient selected =
            derived()
                .proxySelector(always(one, new ArrayList<>()))
                .addInterceptor(leadingTo(to))
                .build();
        for (OkHttpClient client : List.of(fixed, selected)) {
          assertThatThrownBy(() -> get(client, World.url(outside, "/")))
              .isInstanceOf(IOException.class);
        }
      }
    }
    assertThat(proxy.getRequestCount()).isZero();
    nobodyWasAsked();
  }

  @Test
  void aProxyThatRedirectsIntoTheMeshIsNotFollowed() throws Exception {
    MockWebServer proxy = world.outside();
    proxy.enqueue(World.redirect(302, "https://db.mesh/"));
    OkHttpClient client = derived().proxy(http(proxy)).build();
    assertThatThrownBy(() -> get(client, World.url(outside, "/")))
        .hasMessageContaining("to stay outside");
    assertThat(proxy.getRequestCount()).isEqualTo(1);
    nobodyWasAsked();
  }

  // ---- cookies ----

  /** Keeps what it is given, and gives what matches: as the application would write it. */
  private static final class Jar implements CookieJar {
    private final List<Cookie> kept = new CopyOnWriteArrayList<>();

    @Override
    public void saveFromResponse(HttpUrl url, List<Cookie> cookies) {
      kept.addAll(cookies);
    }

    @Override
    public List<Cookie> loadForRequest(HttpUrl url) {
      return kept.stream().filter(cookie -> cookie.matches(url)).toList();
    }
  }

  @Test
  void noServicePlantsACookieForAnotherOne() throws Exception {
    OkHttpClient client = derived().cookieJar(new Jar()).build();
    db.server.enqueue(
        new MockResponse.Builder()
            .addHeader("Set-Cookie", "planted=1; Domain=service.consul")
            .addHeader("Set-Cookie", "own=2")
            .body("db")
            .build());
    db.answer("db");
    other.answer("other");
    for (String service : List.of("db", "other", "db")) {
      assertThat(get(client, "https://" + service + ".service.consul/")).isEqualTo(service);
    }
    assertThat(db.request().getHeaders().get("Cookie")).isNull();
    assertThat(db.request().getHeaders().get("Cookie")).isEqualTo("own=2");
    assertThat(other.request().getHeaders().get("Cookie")).isNull();
  }

  // ---- HTTP/2 ----

  @Test
  void whatAServicePushesReachesNobody() throws Exception {
    db.server.enqueue(
        new MockResponse.Builder()
            .body("db")
            .addPush(
                new PushPromise(
                    "GET",
                    "/pushed",
                    Headers.of(":authority", "other.mesh"),
                    new MockResponse.Builder().body("forged").build()))
            .build());
    other.answer("other");
    try (Response response = world.call("https://db.mesh/")) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_2);
      assertThat(response.body().string()).isEqualTo("db");
    }
    assertThat(world.get("https://other.mesh/pushed")).isEqualTo("other");
  }

  // ---- what is the application's own ----

  @Test
  void theApplicationsOwnPartsAreAskedForCallsOutside() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    OkHttpClient client =
        derived()
            .addInterceptor(chain -> {
              seen.add("interceptor " + chain.request().url().host());
              return chain.proceed(chain.request());
            })
            .addNetworkInterceptor(chain -> {
              seen.add("network " + chain.request().url().host());
              return chain.proceed(chain.request());
            })
            .eventListener(
                new EventListener() {
                  @Override
                  public void callEnd(Call call) {
                    seen.add("end " + call.request().url().host());
                  }
                })
            .socketFactory(
                new javax.net.SocketFactory() {
                  @Override
                  public java.net.Socket createSocket() {
                    seen.add("socket");
                    return new java.net.Socket();
                  }

                  @Override
                  public java.net.Socket createSocket(String host, int port) {
                    throw new AssertionError();
                  }

                  @Override
                  public java.net.Socket createSocket(
                      String host, int port, java.net.InetAddress local, int localPort) {
                    throw new AssertionError();
                  }

                  @Override
                  public java.net.Socket createSocket(java.net.InetAddress host, int port) {
                    throw new AssertionError();
                  }

                  @Override
                  public java.net.Socket createSocket(
                      java.net.InetAddress host, int port, java.net.InetAddress local, int at) {
                    throw new AssertionError();
                  }
                })
            .build();
    outside.enqueue(new MockResponse.Builder().body("outside").build());
    assertThat(get(client, World.url(outside, "/"))).isEqualTo("outside");
    assertThat(seen)
        .containsExactly(
            "interceptor outside.test", "socket", "network outside.test", "end outside.test");
    seen.clear();
    db.answer("db");
    assertThat(get(client, "https://db.mesh/")).isEqualTo("db");
    assertThat(seen).containsExactly("interceptor db.mesh", "network db.mesh", "end db.mesh");
  }

  @Test
  void callsOutsideByTlsAreTheApplicationsOwn() throws Exception {
    MockWebServer tls = world.outside();
    tls.useHttps(db.mesh.serverContext().getSocketFactory());
    assertThatThrownBy(() -> world.get("https://" + World.OUTSIDE + ":" + tls.getPort() + "/"))
        .as("mesh roots are not the application's")
        .isInstanceOf(javax.net.ssl.SSLException.class);
    assertThat(tls.getRequestCount()).isZero();
  }

  @Test
  void whatWasMadeForAnotherMeshOfTheSameClientStaysApart() throws Exception {
    OkHttpClient plain = World.plain().build();
    Call.Factory asWeb = MeshOkHttp.callFactory(plain, world.web);
    Call.Factory asBatch = MeshOkHttp.callFactory(plain, world.client("batch"));
    db.server.setDispatcher(new Always("db"));
    for (Call.Factory calls : List.of(asWeb, asBatch, asWeb)) {
      assertThat(get(calls, "https://db.mesh/")).isEqualTo("db");
    }
    assertThat(plain.connectionPool().connectionCount()).as("one of each identity").isEqualTo(2);
    plain.connectionPool().evictAll();
  }
}
