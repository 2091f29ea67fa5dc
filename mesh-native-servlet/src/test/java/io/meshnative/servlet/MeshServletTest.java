package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static io.meshnative.servlet.ServletWorld.allow;
import static io.meshnative.servlet.ServletWorld.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.HttpRefusal;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests of the mesh to servlets, in each container and on each TLS engine. */
@Timeout(600)
@ParameterizedClass
@MethodSource("worlds")
class MeshServletTest {
  @Parameter(0)
  Container container;

  @Parameter(1)
  Engine engine;

  private ServletWorld world;

  static Stream<Arguments> worlds() {
    return Stream.of(Container.values())
        .flatMap(
            container -> Stream.of(Engine.values()).map(engine -> Arguments.of(container, engine)));
  }

  @BeforeEach
  void start() throws Exception {
    world = new ServletWorld(container, engine);
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  private static String text(Response response) throws IOException {
    try (response) {
      assertThat(response.code()).isEqualTo(200);
      return response.body().string();
    }
  }

  private static void assertDenied(Response response, String reason) throws IOException {
    try (response) {
      assertThat(response.code()).isEqualTo(403);
      assertThat(response.header(HttpRefusal.HEADER)).isEqualTo(reason);
      assertThat(response.body().string()).isEqualTo(reason + "\n");
    }
  }

  // ---- who may what ----

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void whatAPermissionAllowsIsServedAndNothingElse(Protocol protocol) throws Exception {
    world.rules(allow("/show/public"));
    OkHttpClient http = world.http(protocol);
    try (Response response = get(http, "/show/public/a")) {
      assertThat(response.protocol()).isEqualTo(protocol);
      assertThat(response.body().string()).contains("path: /show/public/a\n");
    }
    assertDenied(get(http, "/show/secret"), "default");
    assertDenied(get(http, "/nothing/is/here"), "default");
    world.rules(allow("/show/"));
    assertThat(text(get(http, "/show/secret"))).contains("path: /show/secret\n");
  }

  @Test
  void thePeerIsTheAttributeAndThePrincipalAndForgedHeadersAreGone() throws Exception {
    world.rules(allow("/show/"));
    OkHttpClient http = world.http(Protocol.HTTP_1_1);
    Request forged =
        new Request.Builder()
            .url("https://api.mesh/show/a")
            .header("X-Forwarded-Client-Cert", "URI=spiffe://evil/svc/admin")
            .header("x-consul-token", "forged")
            .header("x-kept", "kept")
            .build();
    String id = world.web.identity().id().toString();
    assertThat(text(http.newCall(forged).execute()))
        .contains("attribute: ", "principal: " + id + "\n", "user: " + id + "\n")
        .contains("auth: CLIENT_CERT\n", "identity headers: [][]null\n", "kept: kept\n")
        .contains("/svc/web")
        .doesNotContain("peer: none", "attribute: null");
  }

  @Test
  @Tag("T45")
  void dispatchesOfAnAdmittedRequestGoThroughOnItsRight() throws Exception {
    world.rules(
        allow("/later"), allow("/forward"), allow("/include"), allow("/fail"), allow("/not-there"));
    OkHttpClient http = world.http(Protocol.HTTP_2);
    assertDenied(get(http, "/show/inner"), "default");
    assertThat(text(get(http, "/later"))).contains("dispatch: ASYNC\n", "/svc/web");
    assertThat(text(get(http, "/forward"))).contains("dispatch: FORWARD\n", "/svc/web");
    assertThat(text(get(http, "/include"))).contains("dispatch: INCLUDE\n", "/svc/web");
    for (String path : List.of("/fail", "/not-there")) {
      try (Response response = get(http, path)) {
        assertThat(response.body().string()).contains("dispatch: ERROR\n", "/svc/web");
      }
    }
  }

  @Test
  void aCallerWhomNoIntentionLetsInHasNoConnection() throws Exception {
    world.deny();
    OkHttpClient http = world.http(Protocol.HTTP_1_1);
    assertThatThrownBy(() -> get(http, "/show/a")).isInstanceOf(IOException.class);
  }

  // ---- when a right is withdrawn ----

  /** Takes the right of the path only: the connection is still let through. */
  private void withdraw() throws Exception {
    world.rules(allow("/show/"));
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void aRunningDownloadEnds(Protocol protocol) throws Exception {
    world.rules(allow("/flood"), allow("/show/"));
    OkHttpClient http = world.http(protocol);
    try (Response response = get(http, "/flood")) {
      assertThat(response.body().source().readByte()).isZero();
      withdraw();
      assertThatThrownBy(() -> response.body().source().readAll(okio.Okio.blackhole()))
          .as("an end that looks complete would hide it")
          .isInstanceOf(IOException.class);
    }
    assertThat(world.application.ending()).isInstanceOf(IOException.class);
    assertDenied(get(http, "/flood"), "default");
    assertThat(text(get(http, "/show/a"))).contains("path: /show/a\n");
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void aDownloadThatItsCallerDoesNotReadEndsToo(Protocol protocol) throws Exception {
    world.rules(allow("/flood"));
    OkHttpClient http = world.http(protocol);
    try (Response response = get(http, "/flood")) {
      assertThat(response.code()).isEqualTo(200);
      withdraw();
      assertThat(world.application.ending()).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void aRunningUploadEnds(Protocol protocol) throws Exception {
    world.rules(allow("/upload"));
    OkHttpClient http = world.http(protocol);
    Call call =
        http.newCall(
            new Request.Builder().url("https://api.mesh/upload").post(new Endless()).build());
    BlockingQueue<Object> outcome = new LinkedBlockingQueue<>();
    call.enqueue(into(outcome));
    assertThat(world.application.begun()).isEqualTo("upload");
    withdraw();
    assertThat(world.application.ending()).isInstanceOf(IOException.class);
    assertThat(outcome.poll(GUARD.toSeconds(), TimeUnit.SECONDS)).isInstanceOf(IOException.class);
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void anAsynchronousRequestThatIsSilentEnds(Protocol protocol) throws Exception {
    world.rules(allow("/events"));
    OkHttpClient http = world.http(protocol);
    try (Response response = get(http, "/events")) {
      assertThat(response.body().source().readUtf8Line()).isEqualTo("data: first");
      withdraw();
      assertThat(world.application.ending()).isEqualTo("error");
      assertThatThrownBy(() -> response.body().source().readAll(okio.Okio.blackhole()))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void aWebSocketIsJudgedAtItsUpgradeAndEndsWithItsRight() throws Exception {
    Talk.ENDED.clear();
    world.rules(allow("/show/"));
    OkHttpClient http = world.http(Protocol.HTTP_1_1);
    Listener refused = new Listener();
    http.newWebSocket(talk(), refused);
    assertThat(refused.next()).isEqualTo("failed with 403");

    world.rules(allow("/talk"));
    Listener listener = new Listener();
    WebSocket socket = http.newWebSocket(talk(), listener);
    assertThat(socket.send("hi")).isTrue();
    assertThat(listener.next()).isEqualTo("hi hi");
    withdraw();
    assertThat(listener.next()).as("after its upgrade").isEqualTo("failed with nothing");
    assertThat(Talk.ENDED.poll(GUARD.toSeconds(), TimeUnit.SECONDS)).isNotNull();
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void aConnectionWhoseCallerIsDeniedIsCut(Protocol protocol) throws Exception {
    world.rules(allow("/events"), allow("/show/"));
    OkHttpClient http = world.http(protocol);
    try (Response response = get(http, "/events")) {
      assertThat(response.body().source().readUtf8Line()).isEqualTo("data: first");
      world.deny();
      assertThatThrownBy(() -> response.body().source().readAll(okio.Okio.blackhole()))
          .isInstanceOf(IOException.class);
      assertThat(world.application.ending()).isEqualTo("error");
    }
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(world.api.snapshot().connections()).isEmpty());
  }

  // ---- nothing else breaks ----

  @Test
  void rotationsFailNoRequest() throws Exception {
    world.rules(allow("/show/"));
    OkHttpClient http = world.http(Protocol.HTTP_2);
    OkHttpClient old = world.http(Protocol.HTTP_1_1);
    for (int rotation = 0; rotation < 5; rotation++) {
      world.rotate(() -> {
        assertThat(text(get(http, "/show/a"))).contains("path: /show/a\n");
        assertThat(text(get(old, "/show/a"))).contains("path: /show/a\n");
        return null;
      });
    }
  }

  @Test
  void connectionsLeaveTheRegistryWhenTheyEnd() throws Exception {
    world.rules(allow("/show/"));
    for (Protocol protocol : List.of(Protocol.HTTP_1_1, Protocol.HTTP_2)) {
      OkHttpClient http = world.http(protocol);
      assertThat(text(get(http, "/show/a"))).contains("path: /show/a\n");
      assertThat(world.api.snapshot().connections()).isNotEmpty();
      http.connectionPool().evictAll();
      await()
          .atMost(GUARD)
          .untilAsserted(() -> assertThat(world.api.snapshot().connections()).isEmpty());
    }
  }

  // ---- parts ----

  private static Request talk() {
    return new Request.Builder().url("wss://api.mesh/talk").build();
  }

  private static Callback into(BlockingQueue<Object> outcome) {
    return new Callback() {
      @Override
      public void onFailure(Call call, IOException failure) {
        outcome.add(failure);
      }

      @Override
      public void onResponse(Call call, Response response) {
        try (response) {
          response.body().bytes();
          outcome.add(response.code());
        } catch (IOException e) {
          outcome.add(e);
        }
      }
    };
  }

  /** A body that does not end before its connection does. */
  private static final class Endless extends RequestBody {
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
      byte[] much = new byte[16 << 10];
      while (true) {
        sink.write(much);
        sink.flush();
      }
    }
  }

  private static final class Listener extends WebSocketListener {
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @Nullable String next() throws InterruptedException {
      return heard.poll(GUARD.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void onMessage(WebSocket socket, String text) {
      heard.add(text);
    }

    @Override
    public void onClosing(WebSocket socket, int code, String reason) {
      heard.add("closed with " + code);
    }

    @Override
    public void onFailure(WebSocket socket, Throwable failure, @Nullable Response response) {
      heard.add("failed with " + (response == null ? "nothing" : response.code()));
    }
  }
}
