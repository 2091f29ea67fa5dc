package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.intention.Decision;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every way to a real agent, and what it keeps of a registration. */
class RealAgentTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);

  @TempDir Path folder;

  @BeforeEach
  void requireConsul() {
    RealPeers.requireConsul();
  }

  private static MeshClient ready(String service, ConsulConfig config) throws Exception {
    MeshClient client = MeshClient.builder(service).consul(config).build();
    try {
      client.awaitReady(GENEROUS);
      return client;
    } catch (Exception e) {
      client.close();
      throw e;
    }
  }

  private static String passing(ConsulAgent agent, String service) throws IOException {
    return agent.api().require("GET", "/v1/health/connect/" + service + "?passing", "");
  }

  private static void awaitPassing(ConsulAgent agent, String service, boolean there) {
    await()
        .atMost(GENEROUS)
        .ignoreExceptions()
        .until(() ->
            passing(agent, service).contains("\"Service\": {") == there
                || passing(agent, service).contains("\"Service\":{") == there);
  }

  @Test
  void anAgentOnAUnixSocketServesAllThatAServiceNeeds() throws Exception {
    Path socket = folder.resolve("consul.sock");
    try (ConsulAgent agent =
            ConsulAgent.start(
                ConsulAgent.Options.of(true)
                    .with("\"addresses\":{\"http\":\"127.0.0.1 unix://" + socket + "\"}"));
        MeshClient web = ready("web", ConsulConfig.builder().address("unix://" + socket).build())) {
      assertThat(web.identity().id().toString()).endsWith("/svc/web");
      agent.deny("db", "web");
      await().atMost(GENEROUS).until(() -> web.explain("db") instanceof Decision.Denied);
      assertThat(web.state()).isEqualTo(MeshState.READY);
    }
  }

  /** Runs {@code consul tls …}, which writes into the folder. */
  private void tls(String... arguments) throws Exception {
    List<String> command =
        new java.util.ArrayList<>(List.of(RealPeers.consul().orElseThrow().toString(), "tls"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("tls.log").toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("tls.log"))).isZero();
  }

  @Test
  @Tag("T15")
  void anAgentThatVerifiesItsCallersIsReachedWithACertificateByPortAndBySocket() throws Exception {
    tls("ca", "create");
    tls("cert", "create", "-server");
    tls("cert", "create", "-client");
    Path ca = folder.resolve("consul-agent-ca.pem");
    Path key = folder.resolve("dc1-client-consul-0-key.pem");
    Path certificate = folder.resolve("dc1-client-consul-0.pem");
    int port = Ports.reserve();
    Path socket = folder.resolve("tls.sock");
    String settings =
        "\"verify_incoming_https\":true,\"ca_file\":\""
            + ca
            + "\",\"cert_file\":\""
            + folder.resolve("dc1-server-consul-0.pem")
            + "\",\"key_file\":\""
            + folder.resolve("dc1-server-consul-0-key.pem")
            + "\",\"ports\":{\"https\":"
            + port
            + "}";
    try (ConsulAgent agent = ConsulAgent.start(ConsulAgent.Options.of(true).with(settings));
        UnixRelay relay = new UnixRelay(socket, port)) { // as Nomad has it
      String address = "https://127.0.0.1:" + port;
      try (MeshClient byFile =
              ready(
                  "web",
                  ConsulConfig.builder()
                      .address(address)
                      .caFile(ca)
                      .clientCertificate(certificate, key)
                      .tlsServerName("server.dc1.consul")
                      .build());
          MeshClient byVariables =
              ready(
                  "web",
                  ConsulConfig.fromEnvironment(
                      Map.of(
                          "CONSUL_HTTP_ADDR",
                          "unix://" + socket,
                          "CONSUL_HTTP_SSL",
                          "true",
                          "CONSUL_TLS_SERVER_NAME",
                          "localhost",
                          "CONSUL_CACERT",
                          ca.toString(),
                          "CONSUL_CLIENT_CERT",
                          certificate.toString(),
                          "CONSUL_CLIENT_KEY",
                          key.toString())))) {
        assertThat(byFile.identity().id()).isEqualTo(byVariables.identity().id());
        assertThat(relay.connections()).isPositive();
        assertThat(agent.trustDomain()).isEqualTo(byFile.identity().id().trustDomain().toString());
      }
      try (MeshClient without =
          MeshClient.builder("web")
              .consul(ConsulConfig.builder().address(address).caFile(ca).build())
              .build()) {
        assertThatThrownBy(() -> without.awaitReady(Duration.ofSeconds(3)))
            .hasMessageContaining(address);
      }
    }
  }

  @Test
  void aServiceIdentityTokenSufficesUnderDefaultDenyAndItsRegistrationFollowsTheClient()
      throws Exception {
    try (ConsulAgent agent = ConsulAgent.start(false)) {
      String token =
          AgentApi.field(
              agent
                  .api()
                  .require(
                      "PUT",
                      "/v1/acl/token",
                      "{\"ServiceIdentities\":[{\"ServiceName\":\"web\"}]}"),
              "SecretID");
      ConsulConfig config = ConsulConfig.builder().address(agent.httpAddr()).token(token).build();
      MeshClient web =
          MeshClient.builder("web")
              .consul(config)
              .register(
                  Registration.of(9443)
                      .withAddress("127.0.0.1")
                      .withChecks(Check.ttl(Duration.ofSeconds(3))))
              .build();
      try (web) {
        web.awaitReady(GENEROUS);
        awaitPassing(agent, "web", true);
        // Its time runs out unless the client reports.
        Instant begin = Instant.now();
        await()
            .atMost(GENEROUS)
            .pollInterval(Duration.ofMillis(200))
            .until(() -> {
              assertThat(passing(agent, "web")).contains("web-9443");
              return Instant.now().isAfter(begin.plusSeconds(5));
            });
        agent.api().require("PUT", "/v1/agent/service/deregister/web-9443", "");
        awaitPassing(agent, "web", true); // the agent had forgotten it
      }
      awaitPassing(agent, "web", false);
    }
  }

  @Test
  void anAgentThatWasStartedAnewGetsTheServiceAndGivesItANewIdentity() throws Exception {
    try (ConsulAgent agent = ConsulAgent.start(true);
        MeshClient web =
            MeshClient.builder("web")
                .consul(ConsulConfig.builder().address(agent.httpAddr()).build())
                .register(
                    Registration.of(9443)
                        .withAddress("127.0.0.1")
                        .withChecks(
                            Check.ttl(Duration.ofSeconds(6)),
                            Check.tcp(agent.httpAddr(), Duration.ofSeconds(1))))
                .build()) {
      web.awaitReady(GENEROUS);
      awaitPassing(agent, "web", true);
      String before = web.identity().id().trustDomain().toString();
      agent.restart();
      awaitPassing(agent, "web", true);
      await()
          .atMost(GENEROUS)
          .until(() -> !web.identity().id().trustDomain().toString().equals(before));
      await().atMost(GENEROUS).until(() -> web.state() == MeshState.READY);
    }
  }

  @Test
  void aServiceThatShutsDownIsHiddenFirstAndServesOnUntilItIsDrained() throws Exception {
    try (ConsulAgent agent = ConsulAgent.start(true);
        MeshClient web = ready("web", ConsulConfig.builder().address(agent.httpAddr()).build())) {
      MeshClient db =
          MeshClient.builder("db")
              .consul(ConsulConfig.builder().address(agent.httpAddr()).build())
              .register(Registration.ofListener().withAddress("127.0.0.1"))
              .build();
      db.awaitReady(GENEROUS);
      MeshServerSocket server =
          db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
      try (Echo echo = new Echo(server)) {
        await().atMost(GENEROUS).until(() -> !web.endpoints(Destination.parse("db")).isEmpty());
        var socket = web.dial("db");
        Echo.ping(socket);
        var done = db.shutdown(Duration.ofSeconds(60)).toCompletableFuture();
        await().atMost(GENEROUS).until(() -> web.endpoints(Destination.parse("db")).isEmpty());
        assertThat(agent.api().require("GET", "/v1/agent/checks", ""))
            .contains("_service_maintenance:db-");
        Echo.ping(socket);
        assertThat(done).isNotDone();
        socket.close();
        done.get(60, TimeUnit.SECONDS);
        assertThat(agent.api().require("GET", "/v1/agent/services", "")).doesNotContain("db-");
        assertThat(echo.accepted()).isEqualTo(1);
      }
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static String jwt(KeyPair keys) throws Exception {
    long now = Instant.now().getEpochSecond();
    String text =
        base64("{\"alg\":\"RS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8))
            + "."
            + base64(
                ("{\"iss\":\"tests\",\"sub\":\"web\",\"iat\":"
                        + now
                        + ",\"exp\":"
                        + (now + 600)
                        + "}")
                    .getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(keys.getPrivate());
    signature.update(text.getBytes(StandardCharsets.UTF_8));
    return text + "." + base64(signature.sign());
  }

  @Test
  void aServiceLogsInByJwtRenewsItsTokenAndLogsOut() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    KeyPair keys = generator.generateKeyPair();
    Path bearer = Files.writeString(folder.resolve("bearer"), jwt(keys));
    try (ConsulAgent agent = ConsulAgent.start(false)) {
      String pem =
          ConsulAgent.pem("PUBLIC KEY", keys.getPublic().getEncoded()).replace("\n", "\\n");
      agent
          .api()
          .require(
              "PUT",
              "/v1/acl/auth-method",
              "{\"Name\":\"jwt\",\"Type\":\"jwt\",\"MaxTokenTTL\":\"1m\",\"Config\":{\"BoundIssuer\":\"tests\","
                  + "\"JWTValidationPubKeys\":[\""
                  + pem
                  + "\"],\"ClaimMappings\":{\"sub\":\"sub\"}}}");
      agent
          .api()
          .require(
              "PUT",
              "/v1/acl/binding-rule",
              "{\"AuthMethod\":\"jwt\",\"BindType\":\"service\",\"BindName\":\"${value.sub}\"}");
      ConsulConfig config =
          ConsulConfig.builder()
              .address(agent.httpAddr())
              .login(ConsulLogin.of("jwt", bearer).withMeta(Map.of("pod", "tests/web-0")))
              .build();
      try (MeshClient web =
          MeshClient.builder("web")
              .consul(config)
              .register(
                  Registration.of(9443)
                      .withAddress("127.0.0.1")
                      .withChecks(Check.ttl(Duration.ofSeconds(10))))
              .build()) {
        web.awaitReady(GENEROUS);
        awaitPassing(agent, "web", true);
        String first = logins(agent);
        assertThat(first).contains("tests/web-0");
        Files.writeString(bearer, jwt(keys));
        await()
            .atMost(Duration.ofSeconds(90))
            .until(() -> logins(agent).contains("tests/web-0") && !logins(agent).equals(first));
        await().atMost(GENEROUS).until(() -> count(logins(agent), "tests/web-0") == 1);
        assertThat(web.state()).isEqualTo(MeshState.READY);
        assertThat(passing(agent, "web")).contains("web-9443");
      }
      assertThat(logins(agent)).doesNotContain("tests/web-0");
      awaitPassing(agent, "web", false);
    }
  }

  /** The tokens of logins, as the list shows them: without secrets. */
  private static String logins(ConsulAgent agent) throws IOException {
    return agent.api().require("GET", "/v1/acl/tokens?authmethod=jwt", "");
  }

  private static int count(String text, String part) {
    return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
  }
}
