package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshClient;
import io.meshnative.discovery.ApplicationProtocol;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointPool;
import java.io.IOException;
import java.net.UnknownServiceException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Which HTTP is spoken: what ALPN agrees on, and without it what the config entries say. */
@ParameterizedClass
@EnumSource(Engine.class)
class ProtocolsTest {
  @Parameter Engine engine;

  private World world;

  @BeforeEach
  void start() throws Exception {
    world = new World(engine);
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  private void configured(String service, String protocol) {
    world.plane.configEntry(
        "{\"Kind\":\"service-defaults\",\"Name\":\""
            + service
            + "\",\"Protocol\":\""
            + protocol
            + "\"}");
  }

  private Sidecar sidecar(String service, Protocol spoken) throws Exception {
    MeshClient mesh = world.client(service);
    return world.keep(new Sidecar(world.plane, mesh, spoken));
  }

  private void answers(Sidecar sidecar, String url, Protocol expected) throws IOException {
    sidecar.behind.enqueue(new MockResponse.Builder().body("hello").build());
    try (Response response = world.call(url)) {
      assertThat(response.protocol()).isEqualTo(expected);
      assertThat(response.body().string()).isEqualTo("hello");
    }
  }

  @Test
  void withoutAlpnHttp2IsSpokenToWhoeverIsConfiguredToSpeakIt() throws Exception {
    configured("two", "http2");
    configured("remote", "grpc");
    for (String service : List.of("two", "remote")) {
      Sidecar sidecar = sidecar(service, Protocol.H2_PRIOR_KNOWLEDGE);
      answers(sidecar, "https://" + service + ".mesh/", Protocol.HTTP_2);
      answers(sidecar, "http://" + service + ".mesh/", Protocol.HTTP_2);
      assertThat(sidecar.behind.takeRequest().getVersion()).isEqualTo("HTTP/2");
      assertThat(world.http().connectionPool().connectionCount()).isEqualTo(1);
      world.http().connectionPool().evictAll();
    }
  }

  @Test
  void withoutAlpnHttp1IsSpokenToAllOthers() throws Exception {
    configured("one", "http");
    configured("bytes", "tcp");
    for (String service : List.of("one", "bytes", "nothing-said")) {
      Sidecar sidecar = sidecar(service, Protocol.HTTP_1_1);
      answers(sidecar, "https://" + service + ".mesh/", Protocol.HTTP_1_1);
    }
  }

  @Test
  void whatAlpnAgreesOnCountsMoreThanWhatIsConfigured() throws Exception {
    configured("db", "http2");
    world.serving("db", Protocol.HTTP_1_1).answer("one");
    try (Response response = world.call("https://db.mesh/")) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_1_1);
    }
    configured("other", "http");
    world.serving("other").answer("two");
    try (Response response = world.call("https://other.mesh/")) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_2);
    }
  }

  @Test
  void aNewConfigurationCountsForTheNextConnection() throws Exception {
    configured("db", "http");
    Sidecar sidecar = sidecar("db", Protocol.HTTP_1_1);
    answers(sidecar, "https://db.mesh/", Protocol.HTTP_1_1);
    configured("db", "http2");
    Destination db = Destination.parse("db");
    EndpointPool pool = world.web.endpointPool(db, World.GUARD);
    await()
        .atMost(World.GUARD)
        .until(() -> pool.endpoints().orElseThrow().protocol() == ApplicationProtocol.HTTP2);
    answers(sidecar, "https://db.mesh/", Protocol.HTTP_1_1); // a connection that speaks it already
    world.http().connectionPool().evictAll();
    sidecar.behind.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
    answers(sidecar, "https://db.mesh/", Protocol.HTTP_2);
  }

  @Test
  void whoOffersNoHttp2GetsNone() throws Exception {
    configured("db", "http2");
    Sidecar sidecar = sidecar("db", Protocol.HTTP_1_1);
    world.use(MeshCallOptions.defaults(), World.plain().protocols(List.of(Protocol.HTTP_1_1)));
    answers(sidecar, "https://db.mesh/", Protocol.HTTP_1_1);
  }

  @Test
  void aWebSocketIsHttp1WhateverIsConfigured() throws Exception {
    configured("db", "http2");
    Sidecar sidecar = sidecar("db", Protocol.HTTP_1_1);
    sidecar.behind.enqueue(
        new MockResponse.Builder()
            .webSocketUpgrade(
                new WebSocketListener() {
                  @Override
                  public void onMessage(WebSocket socket, String text) {
                    socket.send("echo " + text);
                  }

                  @Override
                  public void onClosing(WebSocket socket, int code, String reason) {
                    socket.close(code, reason);
                  }
                })
            .build());
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    WebSocket socket =
        world
            .http()
            .newWebSocket(
                new Request.Builder().url("ws://db.mesh/").build(),
                new WebSocketListener() {
                  @Override
                  public void onMessage(WebSocket from, String text) {
                    heard.add(text);
                  }

                  @Override
                  public void onClosed(WebSocket from, int code, String reason) {
                    heard.add("closed");
                  }
                });
    socket.send("hi");
    assertThat(heard.poll(World.GUARD.toSeconds(), TimeUnit.SECONDS)).isEqualTo("echo hi");
    socket.close(1000, null);
    assertThat(heard.poll(World.GUARD.toSeconds(), TimeUnit.SECONDS)).isEqualTo("closed");
  }

  /** It is for plaintext only, says OkHttp; and there is no plaintext to the mesh. */
  @Test
  void priorKnowledgeInPlaintextReachesNobody() throws Exception {
    Application db = world.serving("db");
    OkHttpClient.Builder plain = World.plain().protocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
    world.use(MeshCallOptions.defaults(), plain);
    for (String url : List.of("http://db.mesh/", "https://db.mesh/")) {
      assertThatThrownBy(() -> world.get(url))
          .isInstanceOf(UnknownServiceException.class)
          .hasMessageContaining("H2_PRIOR_KNOWLEDGE");
    }
    assertThat(db.server.getRequestCount()).isZero();
  }
}
