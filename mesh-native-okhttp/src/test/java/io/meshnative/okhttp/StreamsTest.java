package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.meshnative.MeshClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import okio.BufferedSource;
import okio.Okio;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Bodies that take their time: the JDK's HTTP server for HTTP/1.1, and HTTP/2 in both directions.
 */
@ParameterizedClass
@EnumSource(Engine.class)
class StreamsTest {
  private static final int LARGE = 3 << 20;

  @Parameter Engine engine;

  private World world;
  private MeshClient db;

  /** What the server is to send next, written by the test. */
  private final BlockingQueue<String> events = new LinkedBlockingQueue<>();

  @BeforeEach
  void start() throws Exception {
    world = new World(engine);
    db = world.client("db");
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  /** HTTP/1.1 by a server that we did not write, over the context that we hand out. */
  private void jdkServer() throws IOException {
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(db.serverContext()));
    ExecutorService threads = Executors.newCachedThreadPool();
    server.setExecutor(threads);
    server.createContext("/events", this::sendEvents);
    server.createContext("/echo", StreamsTest::echo);
    server.start();
    world.plane.register("db", "db-1", "127.0.0.1", server.getAddress().getPort());
    world.keep(() -> {
      server.stop(0);
      threads.shutdownNow();
    });
  }

  private void sendEvents(HttpExchange exchange) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    try (exchange;
        OutputStream out = exchange.getResponseBody()) {
      out.flush(); // newer JDKs keep the head back until something is sent
      for (String event = next(); !event.isEmpty(); event = next()) {
        out.write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
      }
    }
  }

  private String next() throws IOException {
    try {
      String event = events.poll(World.GUARD.toSeconds(), TimeUnit.SECONDS);
      return event == null ? "" : event;
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  private static void echo(HttpExchange exchange) throws IOException {
    try (exchange;
        InputStream in = exchange.getRequestBody()) {
      byte[] body = in.readAllBytes();
      exchange.sendResponseHeaders(200, 0);
      exchange.getResponseBody().write(body);
    }
  }

  /** A body of which nobody knows the length in advance. */
  private static RequestBody streamed(int bytes) {
    return new RequestBody() {
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
        byte[] piece = new byte[1000];
        for (int at = 0; at < bytes; at += piece.length) {
          for (int i = 0; i < piece.length; i++) {
            piece[i] = (byte) (at + i);
          }
          sink.write(piece, 0, Math.min(piece.length, bytes - at));
        }
      }
    };
  }

  private static byte[] expected(int bytes) {
    byte[] all = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      all[i] = (byte) i;
    }
    return all;
  }

  @Test
  void serverSentEventsArriveOneByOneAndEndWithTheRight() throws Exception {
    jdkServer();
    Request request =
        new Request.Builder()
            .url("https://db.mesh/events")
            .header("Accept", "text/event-stream")
            .build();
    try (Response response = world.call(request).execute()) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_1_1);
      BufferedSource source = response.body().source();
      for (String event : List.of("one", "two", "three")) {
        events.add(event); // the one before has been read by now
        assertThat(source.readUtf8LineStrict()).isEqualTo("data: " + event);
        assertThat(source.readUtf8LineStrict()).isEmpty();
      }
      world.plane.deny("web", "db");
      assertThatThrownBy(source::readUtf8LineStrict).isInstanceOf(IOException.class);
      events.add("");
    }
  }

  @Test
  void aLargeBodyOfUnknownLengthGoesThereAndBack() throws Exception {
    jdkServer();
    Request request =
        new Request.Builder().url("https://db.mesh/echo").post(streamed(LARGE)).build();
    for (int i = 0; i < 2; i++) {
      try (Response response = world.call(request).execute()) {
        assertThat(response.body().bytes()).isEqualTo(expected(LARGE));
      }
    }
  }

  @Test
  void aLargeBodyOfUnknownLengthGoesThereAndBackByHttp2() throws Exception {
    Application http2 = world.keep(new Application(world.plane, db, "db-1"));
    http2.server.enqueue(
        new MockResponse.Builder().body(new okio.Buffer().write(expected(LARGE))).build());
    Request request = new Request.Builder().url("https://db.mesh/").post(streamed(LARGE)).build();
    try (Response response = world.call(request).execute()) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_2);
      assertThat(response.body().bytes()).isEqualTo(expected(LARGE));
    }
    assertThat(http2.request().getBody().toByteArray()).isEqualTo(expected(LARGE));
  }

  /** A request body that is written while the response is read, by turns. */
  private static final class Duplex extends RequestBody {
    final CompletableFuture<BufferedSink> sink = new CompletableFuture<>();

    @Override
    public @Nullable MediaType contentType() {
      return null;
    }

    @Override
    public boolean isDuplex() {
      return true;
    }

    @Override
    public void writeTo(BufferedSink sink) {
      this.sink.complete(sink);
    }
  }

  @Test
  void bothDirectionsOfAnHttp2CallAreOpenAtATimeUntilTheRightIsWithdrawn() throws Exception {
    Application http2 = world.keep(new Application(world.plane, db, "db-1"));
    http2.server.enqueue(
        new MockResponse.Builder()
            .clearHeaders() // among them a Content-Length of 0
            .socketHandler(socket -> {
              try (BufferedSource in = Okio.buffer(socket.getSource());
                  BufferedSink out = Okio.buffer(socket.getSink())) {
                for (String line = in.readUtf8Line(); line != null; line = in.readUtf8Line()) {
                  out.writeUtf8("echo " + line + "\n").flush();
                }
              } catch (IOException e) {
                // The stream was cut, which the caller checks.
              }
            })
            .build());
    Duplex body = new Duplex();
    Request request = new Request.Builder().url("https://db.mesh/").post(body).build();
    try (Response response = world.call(request).execute()) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_2);
      BufferedSink out = body.sink.get(World.GUARD.toSeconds(), TimeUnit.SECONDS);
      BufferedSource in = response.body().source();
      for (String line : List.of("one", "two", "three")) {
        out.writeUtf8(line + "\n").flush();
        assertThat(in.readUtf8LineStrict()).isEqualTo("echo " + line);
      }
      world.plane.deny("web", "db");
      assertThatThrownBy(in::readUtf8LineStrict).isInstanceOf(IOException.class);
    }
  }
}
