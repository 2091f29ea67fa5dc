package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.meshnative.MeshClient;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.util.InsecureTrustManagerFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Callers that we did not write reach a gRPC server of ours: gRPC's own client with a leaf of
 * Consul's, the proxy that Consul brings along, and Envoy.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class GrpcServerPeersTest {
  private ConsulAgent agent;
  private Cast cast;

  @BeforeAll
  void startAgent() throws IOException {
    RealPeers.requireConsul();
    agent = ConsulAgent.start(true);
  }

  @AfterAll
  void stopAgent() {
    if (agent != null) {
      agent.close();
    }
  }

  @AfterEach
  void leaveNothing() throws Exception {
    if (cast != null) {
      cast.close();
      agent.removeAllIntentions();
    }
  }

  private ManagedChannel keep(ManagedChannel channel) {
    cast.keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  private ManagedChannel plaintext(int port) {
    return keep(NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build());
  }

  /** Serves, is denied, and serves again; what is open ends with the denial. */
  private void isServedAsIntentionsSay(MeshClient db, GrpcLetters letters, ManagedChannel channel)
      throws Exception {
    Cast.await("served", () -> GrpcLetters.end(channel, GrpcLetters.WHO).isOk());
    assertThat(GrpcLetters.who(channel)).isEqualTo("web");
    GrpcLetters.Talk talk = new GrpcLetters.Talk(channel, "a word");
    Cast.await("the stream runs", () -> talk.came.contains("a word"));
    agent.deny("web", "db");
    assertThat(talk.end().isOk()).isFalse();
    Cast.await("db says no", () -> !db.explain("web").isAllowed());
    Cast.await("nobody is connected", () -> db.snapshot().connections().isEmpty());
    int entered = letters.entered.get();
    assertThat(GrpcLetters.end(channel, GrpcLetters.WHO).isOk()).isFalse();
    assertThat(letters.entered).hasValue(entered);
    agent.allow("web", "db");
    Cast.await(
        "served again",
        () -> {
          channel.resetConnectBackoff();
          return GrpcLetters.end(channel, GrpcLetters.WHO).isOk();
        });
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void grpcsOwnClientWithALeafOfConsul(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    MeshClient db = cast.client("db");
    GrpcLetters letters = cast.keep(GrpcLetters.of(db));
    Map<String, Object> leaf =
        EnvoyJson.tree(agent.api().require("GET", "/v1/agent/connect/ca/leaf/web", ""));
    SslContextBuilder context =
        GrpcSslContexts.forClient()
            // Of no interest here: it is the server that must know whom it lets in.
            .trustManager(InsecureTrustManagerFactory.INSTANCE)
            .keyManager(
                key((String) leaf.get("PrivateKeyPEM")), certificate((String) leaf.get("CertPEM")));
    ManagedChannel channel =
        keep(
            NettyChannelBuilder.forAddress("127.0.0.1", letters.port())
                .sslContext(context.build())
                .build());
    isServedAsIntentionsSay(db, letters, channel);
  }

  private static X509Certificate certificate(String pem) throws Exception {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  /** In the form in which agents hand out keys. */
  private static PrivateKey key(String pem) throws IOException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      return new JcaPEMKeyConverter().getKeyPair((PEMKeyPair) parser.readObject()).getPrivate();
    }
  }

  /** For it the calls are opaque bytes: it knows of layer 4 only. */
  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void consulsOwnProxy(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    MeshClient db = cast.client("db");
    GrpcLetters letters = cast.keep(GrpcLetters.of(db));
    agent.register("db", "db-1", "127.0.0.1", letters.port());
    cast.keep(() -> agent.deregister("db-1"));
    int port = Ports.reserve();
    Process process =
        agent.run(
            "web-proxy.log",
            List.of("connect", "proxy", "-service=web", "-upstream=db:" + port),
            Map.of());
    cast.keep(() -> ConsulAgent.end(process));
    ManagedChannel channel = plaintext(port);
    Cast.await(
        "the proxy serves",
        () -> {
          channel.resetConnectBackoff();
          return GrpcLetters.end(channel, GrpcLetters.WHO).isOk();
        });
    isServedAsIntentionsSay(db, letters, channel);
  }

  /** As Consul configures it, it speaks HTTP/2 without having offered it. */
  @ParameterizedTest
  @CsvSource({"CONSCRYPT, TLSv1_2", "CONSCRYPT, TLSv1_3", "JSSE, TLSv1_2", "JSSE, TLSv1_3"})
  void envoy(TlsKind tls, String newest) throws Exception {
    RealPeers.requireEnvoyAtLeast(1, 36);
    cast = new Cast(agent, tls.provider());
    MeshClient db = cast.client("db");
    GrpcLetters letters = cast.keep(GrpcLetters.of(db));
    EnvoySidecar sidecar =
        cast.keep(
            EnvoySidecar.outbound(agent, "web", "db", EnvoySidecar.Protocol.HTTP2, letters.port())
                .newestTls(newest)
                .start());
    isServedAsIntentionsSay(db, letters, plaintext(sidecar.port()));
  }
}
