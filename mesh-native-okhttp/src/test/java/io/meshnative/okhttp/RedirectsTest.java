package io.meshnative.okhttp;

import static io.meshnative.okhttp.MeshCallOptions.Border.BETWEEN_SERVICES;
import static io.meshnative.okhttp.MeshCallOptions.Border.INTO_MESH;
import static io.meshnative.okhttp.MeshCallOptions.Border.OUT_OF_MESH;
import static io.meshnative.okhttp.World.redirect;
import static io.meshnative.okhttp.World.url;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.okhttp.MeshCallOptions.Border;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which redirects are followed, and what they take along. */
class RedirectsTest {
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

  private void open(Border... borders) {
    open(World.plain(), borders);
  }

  private void open(OkHttpClient.Builder builder, Border... borders) {
    world.use(MeshCallOptions.defaults().withRedirects(borders), builder);
  }

  private static Request.Builder request(String url) {
    return new Request.Builder().url(url);
  }

  private static RequestBody body() {
    return RequestBody.create("body", MediaType.get("text/plain"));
  }

  private void refused(String url, String message) {
    assertThatThrownBy(() -> world.get(url))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("it is not followed unless MeshCallOptions.withRedirects");
  }

  // ---- back to the same service ----

  @Test
  void aRedirectToTheSameServiceStaysInTlsThoughItTakesItselfForPlain() throws Exception {
    for (String to :
        List.of("http://db.mesh/next", "/next", "https://db.mesh:444/next", "//db.mesh/next")) {
      db.server.enqueue(redirect(302, to));
      db.answer("next");
      assertThat(world.get("https://db.mesh/first")).isEqualTo("next");
      assertThat(db.request().getTarget()).isEqualTo("/first");
      RecordedRequest next = db.request();
      assertThat(next.getTarget()).isEqualTo("/next");
      assertThat(next.getHandshake()).as("TLS").isNotNull();
    }
  }

  @Test
  void anotherNameOfTheSameServiceIsTheSameService() throws Exception {
    db.server.enqueue(redirect(302, "http://db.service.consul/next"));
    db.answer("next");
    assertThat(world.get("https://db.mesh/")).isEqualTo("next");
  }

  @ParameterizedTest
  @ValueSource(ints = {307, 308})
  void aBodyIsSentAgainWhereTheStatusSaysSo(int code) throws Exception {
    db.server.enqueue(redirect(code, "http://db.mesh/next"));
    db.answer("next");
    try (Response response =
        world.call(request("https://db.mesh/").post(body()).build()).execute()) {
      assertThat(response.body().string()).isEqualTo("next");
      assertThat(response.priorResponse().code()).isEqualTo(code);
    }
    for (int i = 0; i < 2; i++) {
      RecordedRequest seen = db.request();
      assertThat(seen.getMethod()).isEqualTo("POST");
      assertThat(seen.getBody().utf8()).isEqualTo("body");
    }
  }

  @Test
  void aLoopEnds() {
    for (int i = 0; i < 30; i++) {
      db.server.enqueue(redirect(302, "http://db.mesh/again"));
    }
    assertThatThrownBy(() -> world.get("https://db.mesh/"))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("Too many follow-up requests");
  }

  // ---- across a border, which is closed ----

  @Test
  void aRedirectToAnotherServiceIsNotFollowed() {
    db.server.enqueue(redirect(302, "https://other.mesh/"));
    refused("https://db.mesh/", "to lead back to itself, found one from db.mesh to other.mesh");
    assertThat(other.server.getRequestCount()).isZero();
  }

  @Test
  void aRedirectOutOfTheMeshIsNotFollowed() {
    for (String to :
        List.of(url(outside, "/"), "http://127.0.0.1:" + outside.getPort(), "https://[::1]/")) {
      db.server.enqueue(redirect(307, to));
      refused("https://db.mesh/", "to stay in the mesh, found one from db.mesh");
    }
    assertThat(outside.getRequestCount()).isZero();
  }

  @Test
  void aRedirectIntoTheMeshIsNotFollowed() {
    for (String to :
        List.of("https://db.mesh/", "http://db.mesh/", "//DB.Mesh./", "http://db.service.consul")) {
      outside.enqueue(redirect(301, to));
      refused(url(outside, "/"), "to stay outside, found one from outside.test");
    }
    assertThat(db.server.getRequestCount()).isZero();
  }

  @Test
  void oneThatNamesNoServiceIsRefusedToo() {
    outside.enqueue(redirect(301, "https://-.mesh/"));
    assertThatThrownBy(() -> world.get(url(outside, "/")))
        .isInstanceOf(java.net.UnknownHostException.class)
        .hasMessageContaining("expected the name of a mesh service");
  }

  @Test
  void anOpenBorderOpensNoOtherOne() {
    open(OUT_OF_MESH, INTO_MESH);
    db.server.enqueue(redirect(302, "https://other.mesh/"));
    refused("https://db.mesh/", "BETWEEN_SERVICES");
    open(BETWEEN_SERVICES, INTO_MESH);
    db.server.enqueue(redirect(302, url(outside, "/")));
    refused("https://db.mesh/", "OUT_OF_MESH");
    open(BETWEEN_SERVICES, OUT_OF_MESH);
    outside.enqueue(redirect(302, "https://db.mesh/"));
    refused(url(outside, "/"), "INTO_MESH");
    assertThat(other.server.getRequestCount()).isZero();
  }

  @Test
  void whoFollowsNoRedirectsGetsTheResponseAsItCame() throws Exception {
    world.use(MeshCallOptions.defaults(), World.plain().followRedirects(false));
    for (String to : List.of("http://db.mesh/", "https://other.mesh/", url(outside, "/"))) {
      db.server.enqueue(redirect(302, to));
      try (Response response = world.call("https://db.mesh/")) {
        assertThat(response.code()).isEqualTo(302);
        assertThat(response.header("Location")).isEqualTo(to);
      }
    }
  }

  // ---- across a border, which is open ----

  @Test
  void betweenServicesWhereOpened() throws Exception {
    open(BETWEEN_SERVICES);
    db.server.enqueue(redirect(302, "http://other.mesh/there"));
    other.answer("other");
    try (Response response = world.call("https://db.mesh/")) {
      assertThat(response.body().string()).isEqualTo("other");
      assertThat(response.request().url()).hasToString("https://other.mesh/there");
      Response prior = response.priorResponse();
      assertThat(prior.request().url()).hasToString("https://db.mesh/");
      assertThat(prior.header("Location")).isEqualTo("http://other.mesh/there");
    }
    assertThat(other.request().getHandshake()).isNotNull();
  }

  @Test
  void outOfTheMeshAndBackWhereOpened() throws Exception {
    open(OUT_OF_MESH, INTO_MESH);
    db.server.enqueue(redirect(302, url(outside, "/a")));
    outside.enqueue(redirect(302, "/b"));
    outside.enqueue(redirect(302, "http://db.mesh/c"));
    db.answer("back");
    List<String> path = new ArrayList<>();
    try (Response response = world.call("http://db.mesh/start")) {
      assertThat(response.body().string()).isEqualTo("back");
      for (@Nullable Response at = response; at != null; at = at.priorResponse()) {
        path.add(0, at.request().url().host() + at.request().url().encodedPath());
      }
    }
    assertThat(path)
        .containsExactly("db.mesh/start", "outside.test/a", "outside.test/b", "db.mesh/c");
  }

  @ParameterizedTest
  @ValueSource(ints = {307, 308})
  void aBodyGoesAlongWhereTheStatusSaysSo(int code) throws Exception {
    open(Border.values());
    db.server.enqueue(redirect(code, url(outside, "/")));
    outside.enqueue(redirect(code, "http://other.mesh/"));
    other.answer("other");
    try (Response response =
        world.call(request("https://db.mesh/").put(body()).build()).execute()) {
      assertThat(response.body().string()).isEqualTo("other");
    }
    for (RecordedRequest seen : List.of(db.request(), outside.takeRequest(), other.request())) {
      assertThat(seen.getMethod()).isEqualTo("PUT");
      assertThat(seen.getBody().utf8()).isEqualTo("body");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {300, 301, 302, 303})
  void otherwiseItIsAGetWithoutOne(int code) throws Exception {
    open(OUT_OF_MESH);
    db.server.enqueue(redirect(code, url(outside, "/")));
    outside.enqueue(new mockwebserver3.MockResponse.Builder().body("out").build());
    try (Response response =
        world.call(request("https://db.mesh/").post(body()).build()).execute()) {
      assertThat(response.body().string()).isEqualTo("out");
    }
    RecordedRequest seen = outside.takeRequest();
    assertThat(seen.getMethod()).isEqualTo("GET");
    assertThat(seen.getHeaders().names()).doesNotContain("Content-Type", "Content-Length");
  }

  @Test
  void aBodyThatCannotBeSentAgainIsNot() throws Exception {
    open(Border.values());
    db.server.enqueue(redirect(307, "https://other.mesh/"));
    RequestBody once =
        new RequestBody() {
          @Override
          public @Nullable MediaType contentType() {
            return null;
          }

          @Override
          public boolean isOneShot() {
            return true;
          }

          @Override
          public void writeTo(BufferedSink sink) throws IOException {
            sink.writeUtf8("once");
          }
        };
    try (Response response = world.call(request("https://db.mesh/").post(once).build()).execute()) {
      assertThat(response.code()).isEqualTo(307);
      assertThat(response.header("Location")).isEqualTo("https://other.mesh/");
    }
    assertThat(other.server.getRequestCount()).isZero();
  }

  @Test
  void secretsOfOneSideStayThere() throws Exception {
    open(Border.values());
    for (String to : List.of(url(outside, "/"), "https://other.mesh/")) {
      db.server.enqueue(redirect(302, to));
      outside.enqueue(new mockwebserver3.MockResponse.Builder().body("there").build());
      other.answer("there");
      Request request =
          request("https://db.mesh/")
              .header("Authorization", "Bearer secret")
              .header("Cookie", "session=secret")
              .header("Host", "db.internal")
              .header("X-Trace", "kept")
              .build();
      try (Response response = world.call(request).execute()) {
        assertThat(response.body().string()).isEqualTo("there");
      }
      assertThat(db.request().getHeaders().get("Authorization")).isEqualTo("Bearer secret");
    }
    for (RecordedRequest seen : List.of(outside.takeRequest(), other.request())) {
      assertThat(seen.getHeaders().toString()).doesNotContain("secret").contains("kept");
      assertThat(seen.getUrl().host()).isNotEqualTo("db.internal");
    }
  }

  @Test
  void aLoopAcrossBordersEnds() {
    open(Border.values());
    for (int i = 0; i < 30; i++) {
      db.server.enqueue(redirect(302, url(outside, "/")));
      outside.enqueue(redirect(302, "http://db.mesh/"));
    }
    assertThatThrownBy(() -> world.get("https://db.mesh/"))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("Too many follow-up requests");
    assertThat(db.server.getRequestCount()).isBetween(10, 11);
  }

  @Test
  void aClientThatStaysWithItsSchemeStaysWithIt() throws Exception {
    open(World.plain().followSslRedirects(false), Border.values());
    db.server.enqueue(redirect(302, url(outside, "/")));
    try (Response response = world.call("https://db.mesh/")) {
      assertThat(response.code()).isEqualTo(302);
      assertThat(response.header("Location")).isEqualTo(url(outside, "/"));
    }
    db.server.enqueue(redirect(302, "http://other.mesh/"));
    other.answer("other");
    assertThat(world.get("http://db.mesh/")).as("TLS on both sides").isEqualTo("other");
  }

  @Test
  void oneThatAnotherInterceptorDidWithoutIsNotFollowed() throws Exception {
    open(
        World.plain(),
        OUT_OF_MESH); // and then an interceptor that asks again, as those for retries do
    OkHttpClient again =
        world
            .http()
            .newBuilder()
            .addInterceptor(chain -> {
              chain.proceed(chain.request()).close();
              return chain.proceed(chain.request());
            })
            .build();
    db.server.enqueue(redirect(302, url(outside, "/")));
    db.answer("db");
    try (Response response = again.newCall(request("https://db.mesh/").build()).execute()) {
      assertThat(response.body().string()).isEqualTo("db");
    }
    assertThat(outside.getRequestCount()).isZero();
  }

  /** No cache keeps a response without its target, or a way across a border. */
  @Test
  void aRedirectThatMayBeCachedIsAskedForEachTime(
      @org.junit.jupiter.api.io.TempDir java.io.File dir) throws Exception {
    try (okhttp3.Cache cache = new okhttp3.Cache(dir, 1 << 20)) {
      open(World.plain().cache(cache), BETWEEN_SERVICES);
      for (int i = 0; i < 2; i++) {
        db.server.enqueue(
            redirect(301, "https://other.mesh/")
                .newBuilder()
                .addHeader("Cache-Control", "max-age=1000")
                .build());
        other.answer("other");
        assertThat(world.get("https://db.mesh/")).isEqualTo("other");
      }
      assertThat(db.server.getRequestCount()).isEqualTo(2);
    }
  }

  /** Network interceptors, by which redirects are seen, do not run for WebSockets. */
  @Test
  void theHandshakeOfAWebSocketCrossesNoBorder() throws Exception {
    open(Border.values());
    for (String to : List.of(url(outside, "/"), "http://db.mesh/")) {
      db.server.enqueue(redirect(302, to));
      java.util.concurrent.CompletableFuture<Throwable> failed =
          new java.util.concurrent.CompletableFuture<>();
      world
          .http()
          .newWebSocket(
              request("wss://db.mesh/").build(),
              new WebSocketListener() {
                @Override
                public void onFailure(
                    WebSocket socket, Throwable failure, @Nullable Response response) {
                  failed.complete(failure);
                }
              });
      assertThat(failed.get(World.GUARD.toSeconds(), java.util.concurrent.TimeUnit.SECONDS))
          .isInstanceOf(IOException.class);
    }
    assertThat(outside.getRequestCount()).isZero();
    assertThat(db.server.getRequestCount()).isEqualTo(2);
  }

  @Test
  void optionsAreValues() {
    MeshCallOptions options =
        MeshCallOptions.defaults().withRedirects(INTO_MESH).withHosts(MeshHosts.defaults());
    assertThat(options.redirects()).isEqualTo(Set.of(INTO_MESH));
    assertThat(options).isEqualTo(MeshCallOptions.defaults().withRedirects(INTO_MESH));
    assertThat(MeshCallOptions.defaults().redirects()).isEmpty();
    assertThatThrownBy(() -> options.redirects().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
