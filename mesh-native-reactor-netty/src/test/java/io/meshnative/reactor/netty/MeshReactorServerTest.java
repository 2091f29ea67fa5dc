package io.meshnative.reactor.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLSocket;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.DisposableServer;
import reactor.netty.NettyPipeline;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;

/** What the common attacks on HTTP servers do not ask: what others may put into a server. */
@EmbeddedMesh
class MeshReactorServerTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final String PUBLIC_ONLY =
      "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/public\"}}]";

  private final EmbeddedControlPlane plane;
  private final List<String> seen = new CopyOnWriteArrayList<>();
  private final Sinks.One<String> goOn = Sinks.one();
  private MeshClient api;
  private MeshClient web;

  MeshReactorServerTest(EmbeddedControlPlane plane) {
    this.plane = plane;
  }

  @BeforeEach
  void join() throws Exception {
    plane.removeIntentions().defaultAllow(false);
    plane.intention("web", "api", PUBLIC_ONLY);
    api = client("api");
    web = client("web");
  }

  @AfterEach
  void leave() {
    web.close();
    api.close();
  }

  private MeshClient client(String service) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    client.awaitReady(GUARD);
    return client;
  }

  private HttpServer plain() {
    return HttpServer.create()
        .host("127.0.0.1")
        .port(0)
        .handle((request, response) -> {
          seen.add(request.uri());
          return response.sendString(
              request.uri().endsWith("/stream")
                  ? Flux.concat(Mono.just("first\n"), goOn.asMono())
                  : Mono.just("hello " + caller(request)));
        });
  }

  private static String caller(HttpServerRequest request) {
    return MeshPeers.of(request).map(peer -> peer.service().service()).orElse("nobody");
  }

  /** Binds a server and has it found; for tests that ask one thing of one server. */
  private DisposableServer bind(HttpServer server) {
    DisposableServer bound = server.bindNow(GUARD);
    api.register(Registration.of(bound.port()).withAddress("127.0.0.1"));
    Awaitility.await("it is found")
        .atMost(GUARD)
        .until(() -> !web.endpoints(Destination.parse("api")).isEmpty());
    return bound;
  }

  private String get(OkHttpClient http, String path) throws IOException {
    Request request = new Request.Builder().url("https://api.mesh" + path).build();
    try (Response response = http.newCall(request).execute()) {
      return response.protocol() + " " + response.code() + " " + response.body().string();
    }
  }

  private OkHttpClient http(Protocol... protocols) {
    OkHttpClient.Builder builder = new OkHttpClient.Builder().readTimeout(GUARD);
    if (protocols.length > 0) {
      builder.protocols(List.of(protocols));
    }
    return MeshOkHttp.install(builder, web).build();
  }

  @Test
  void bothProtocolsAreJudgedAndTellWhoCalls() throws Exception {
    DisposableServer server = bind(new MeshReactorServer(api).secure(plain()));
    try {
      assertThat(get(http(), "/public")).isEqualTo("h2 200 hello web");
      assertThat(get(http(), "/other")).startsWith("h2 403 default");
      OkHttpClient http1 = http(Protocol.HTTP_1_1);
      assertThat(get(http1, "/public")).isEqualTo("http/1.1 200 hello web");
      assertThat(get(http1, "/other")).startsWith("http/1.1 403 default");
      assertThat(get(http1, "/other")).startsWith("http/1.1 403 default");
      assertThat(seen).containsExactly("/public", "/public");
    } finally {
      server.disposeNow(GUARD);
    }
  }

  @Test
  void theGateIsOpenWhileAServerIsBound() {
    MeshReactorServer mesh = new MeshReactorServer(api);
    assertThat(mesh.isArmed()).isFalse();
    DisposableServer one = mesh.secure(plain()).bindNow(GUARD);
    DisposableServer other = mesh.secure(plain()).bindNow(GUARD);
    assertThat(mesh.isArmed()).isTrue();
    one.disposeNow(GUARD);
    assertThat(mesh.isArmed()).isTrue();
    other.disposeNow(GUARD);
    Awaitility.await("it is closed").atMost(GUARD).until(() -> !mesh.isArmed());
  }

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void whatRunsWhenAServerStopsToAcceptMayEnd(Protocol protocol) throws Exception {
    MeshReactorServer mesh = new MeshReactorServer(api);
    DisposableServer server = bind(mesh.secure(plain()));
    OkHttpClient http = protocol == Protocol.HTTP_2 ? http() : http(protocol);
    Request request = new Request.Builder().url("https://api.mesh/public/stream").build();
    try (Response response = http.newCall(request).execute()) {
      assertThat(response.protocol()).isEqualTo(protocol);
      assertThat(response.body().source().readUtf8Line()).isEqualTo("first");
      server.channel().close().sync();
      assertThat(mesh.isArmed()).isTrue();
      goOn.tryEmitValue("last\n").orThrow();
      assertThat(response.body().source().readUtf8Line()).isEqualTo("last");
    }
    http.connectionPool().evictAll();
    Awaitility.await("the gate is closed").atMost(GUARD).until(() -> !mesh.isArmed());
  }

  @Test
  void aServerWhoseTlsWasReplacedIsNotBound() {
    MeshReactorServer mesh = new MeshReactorServer(api);
    HttpServer replaced = mesh.secure(plain(), HttpProtocol.HTTP11).noSSL();
    assertThatThrownBy(() -> replaced.bindNow(GUARD))
        .hasStackTraceContaining("expected the TLS of the mesh on the server, found none");
    assertThat(mesh.isArmed()).isFalse();
    assertThatThrownBy(() -> mesh.secure(plain(), HttpProtocol.H2C))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> mesh.secure(plain(), HttpProtocol.H2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static final List<Object> STOLEN = new CopyOnWriteArrayList<>();

  /** How an application can bring a handler of its own before the judgement. */
  enum Intrusion {
    /** Before anything has come. */
    BEHIND_TLS(pipeline -> pipeline.addAfter(NettyPipeline.SslHandler, "own", new Thief()), false),
    /** Where handlers of a server's application would be put. */
    BEFORE_THE_BRIDGE(
        pipeline -> pipeline.addBefore(NettyPipeline.ReactiveBridge, "own", new Thief()), false),
    /** On a connection that serves already. */
    WHILE_IT_SERVES(
        pipeline -> pipeline.addAfter(NettyPipeline.HttpCodec, "own", new Thief()), true),
    /** Instead of the judgement. */
    IN_ITS_PLACE(pipeline -> pipeline.replace(Judgement.NAME, "own", new Thief()), true);

    private final Consumer<ChannelPipeline> how;
    private final boolean late;

    Intrusion(Consumer<ChannelPipeline> how, boolean late) {
      this.how = how;
      this.late = late;
    }
  }

  /** Answers everything that it is given, as soon as there is something. */
  private static final class Thief extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      STOLEN.add(message);
      ctx.channel()
          .writeAndFlush(
              Unpooled.copiedBuffer(
                  "HTTP/1.1 200 Stolen\r\nContent-Length: 0\r\n\r\n", StandardCharsets.US_ASCII));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoComesBeforeTheJudgementIsGivenNothing(Intrusion intrusion) throws Exception {
    STOLEN.clear();
    AtomicReference<ChannelPipeline> connection = new AtomicReference<>();
    UnaryOperator<HttpServer> intruder =
        server ->
            server.doOnChannelInit((observer, channel, address) -> {
              connection.set(channel.pipeline());
              if (!intrusion.late) {
                intrusion.how.accept(channel.pipeline());
              }
            });
    DisposableServer server = bind(intruder.apply(new MeshReactorServer(api).secure(plain())));
    try (SSLSocket socket = web.dial("api")) {
      socket.setSoTimeout((int) GUARD.toMillis());
      BufferedReader in = reader(socket);
      if (intrusion.late) {
        ask(socket, "/public");
        assertThat(answer(in)).isEqualTo("HTTP/1.1 200 OK hello web");
        connection
            .get()
            .channel()
            .eventLoop()
            .submit(() -> intrusion.how.accept(connection.get()))
            .sync();
      }
      seen.clear();
      STOLEN.clear();
      assertThatThrownBy(
              () -> {
                ask(socket, "/admin");
                answer(in);
              })
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(SocketTimeoutException.class);
      assertThat(seen).isEmpty();
      assertThat(STOLEN).isEmpty();
    } finally {
      server.disposeNow(GUARD);
    }
  }

  /** Handlers of connections are put behind the judgement, and see what it has let in. */
  @Test
  void whoComesBehindTheJudgementIsLeftAlone() throws Exception {
    DisposableServer server =
        bind(
            new MeshReactorServer(api)
                .secure(plain())
                .wiretap(true)
                .idleTimeout(GUARD)
                .metrics(false, uri -> uri)
                .doOnConnection(
                    connection -> connection.addHandlerFirst(new ChannelInboundHandlerAdapter())));
    try {
      assertThat(get(http(Protocol.HTTP_1_1), "/public")).endsWith("200 hello web");
      assertThat(get(http(), "/public")).endsWith("200 hello web");
    } finally {
      server.disposeNow(GUARD);
    }
  }

  @Test
  void aThousandPipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
    DisposableServer server = bind(new MeshReactorServer(api).secure(plain()));
    try (SSLSocket socket = web.dial("api")) {
      socket.setSoTimeout((int) GUARD.toMillis());
      StringBuilder requests = new StringBuilder();
      for (int i = 0; i < 1000; i++) {
        requests.append(request(i % 100 == 50 ? "/public" : "/denied"));
      }
      Thread writer =
          new Thread(() -> {
            try {
              socket
                  .getOutputStream()
                  .write(requests.toString().getBytes(StandardCharsets.US_ASCII));
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          });
      writer.setDaemon(true);
      writer.start();
      BufferedReader in = reader(socket);
      for (int i = 0; i < 1000; i++) {
        assertThat(answer(in))
            .as("answer " + i)
            .isEqualTo(
                i % 100 == 50 ? "HTTP/1.1 200 OK hello web" : "HTTP/1.1 403 Forbidden default");
      }
      writer.join(GUARD.toMillis());
      assertThat(seen).hasSize(10).containsOnly("/public");
    } finally {
      server.disposeNow(GUARD);
    }
  }

  /** With Netty's own TLS the failure to write would be answered by a write, and so on. */
  @Test
  void aConnectionThatIsCutUnderManyStreamsEndsThemAll() throws Exception {
    DisposableServer server = bind(new MeshReactorServer(api).secure(plain()));
    OkHttpClient http = http();
    try {
      assertThat(get(http, "/public")).startsWith("h2 200");
      for (int i = 0; i < 5; i++) {
        Request stream = new Request.Builder().url("https://api.mesh/public/stream").build();
        Response response = http.newCall(stream).execute();
        assertThat(response.body().source().readUtf8Line()).isEqualTo("first");
      }
      plane.deny("web", "api");
      Awaitility.await("nobody is connected")
          .atMost(GUARD)
          .until(() -> api.snapshot().connections().isEmpty());
      plane.intention("web", "api", PUBLIC_ONLY);
      Awaitility.await("the server serves on")
          .atMost(GUARD)
          .ignoreExceptions()
          .until(() -> get(http, "/public").startsWith("h2 200"));
    } finally {
      server.disposeNow(GUARD);
    }
  }

  private static String request(String path) {
    return "GET " + path + " HTTP/1.1\r\nHost: api\r\n\r\n";
  }

  private static void ask(SSLSocket socket, String path) throws IOException {
    socket.getOutputStream().write(request(path).getBytes(StandardCharsets.US_ASCII));
  }

  private static BufferedReader reader(SSLSocket socket) throws IOException {
    return new BufferedReader(
        new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
  }

  /** The first line and the body. */
  private static String answer(BufferedReader in) throws IOException {
    String first = line(in);
    int length = 0;
    for (String line = line(in); !line.isEmpty(); line = line(in)) {
      if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(15).trim());
      }
    }
    StringBuilder body = new StringBuilder();
    for (int i = 0; i < length; i++) {
      body.append((char) in.read());
    }
    return first + " " + body.toString().trim();
  }

  private static String line(BufferedReader in) throws IOException {
    String line = in.readLine();
    if (line == null) {
      throw new EOFException("the connection has ended");
    }
    return line;
  }
}
