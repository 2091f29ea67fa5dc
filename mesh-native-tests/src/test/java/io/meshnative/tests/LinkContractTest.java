package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.testkit.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Every way to an agent that proves itself by TLS and wants its callers to do so, too. */
@ParameterizedClass(name = "{0}")
@EnumSource(
    value = PlaneKind.class,
    names = {"EMBEDDED", "CONSUL"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class LinkContractTest {
  @TempDir static Path temporary;

  @Parameter PlaneKind kind;

  private Path folder;
  private Guarded guarded;
  private Cast cast;

  /**
   * An agent with {@code verify_incoming}.
   *
   * @param plane the same one without TLS, for those who set the scene
   * @param socket leads to its TLS port, as Nomad has it
   */
  private record Guarded(Plane plane, int port, Path socket, TlsFiles files, AutoCloseable relay) {}

  @BeforeParameterizedClassInvocation
  void startAgent() throws Exception {
    folder = Files.createDirectory(temporary.resolve(kind.name()));
    guarded = kind == PlaneKind.EMBEDDED ? embedded() : real();
  }

  private Guarded embedded() throws IOException {
    Path socket = folder.resolve("agent.sock");
    EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder().tls(folder).verifyIncoming(true).unixSocket(socket).start();
    return new Guarded(
        new EmbeddedPlane(plane),
        plane.httpsAddress().getPort(),
        socket,
        plane.tlsFiles(),
        () -> {});
  }

  private Guarded real() throws Exception {
    RealPeers.requireConsul();
    ConsulCli cli = new ConsulCli(folder, Map.of());
    for (String[] command :
        new String[][] {
          {"tls", "ca", "create"},
          {"tls", "cert", "create", "-server"},
          {"tls", "cert", "create", "-client"}
        }) {
      ConsulCli.Result result = cli.run(command);
      assertThat(result.exit()).as(result.output()).isZero();
    }
    TlsFiles files =
        new TlsFiles(
            folder.resolve("consul-agent-ca.pem"),
            folder.resolve("dc1-client-consul-0.pem"),
            folder.resolve("dc1-client-consul-0-key.pem"));
    int port = Ports.reserve();
    String settings =
        "\"verify_incoming_https\":true,\"ca_file\":\""
            + files.caCertificate()
            + "\",\"cert_file\":\""
            + folder.resolve("dc1-server-consul-0.pem")
            + "\",\"key_file\":\""
            + folder.resolve("dc1-server-consul-0-key.pem")
            + "\",\"ports\":{\"https\":"
            + port
            + "}";
    ConsulAgent agent = ConsulAgent.start(ConsulAgent.Options.of(true).with(settings));
    Path socket = folder.resolve("agent.sock");
    return new Guarded(agent, port, socket, files, new UnixRelay(socket, port));
  }

  @AfterParameterizedClassInvocation
  void stopAgent() throws Exception {
    if (guarded != null) {
      guarded.relay().close();
      guarded.plane().close();
    }
  }

  @BeforeEach
  void beginWithNobody() {
    cast = new Cast(guarded.plane());
  }

  @AfterEach
  void leaveNothing() throws Exception {
    cast.close();
    guarded.plane().removeAllIntentions();
  }

  private String https() {
    return "https://127.0.0.1:" + guarded.port();
  }

  /** Identity, policy, registration and discovery, all over the link. */
  private void assertAllWorks(ConsulConfig config) throws Exception {
    MeshClient db = cast.ready(MeshClient.builder("db").consul(config).register(Cast.ofListener()));
    MeshClient web = cast.ready(MeshClient.builder("web").consul(config));
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    assertThat(Cast.reaches(web, "db")).isTrue();
    guarded.plane().deny("web", "db");
    Cast.awaitReaches(web, "db", false);
    assertThat(web.state()).isEqualTo(MeshState.READY);
  }

  private ConsulConfig.Builder certified() {
    return ConsulConfig.builder()
        .address(https())
        .clientCertificate(guarded.files().clientCertificate(), guarded.files().clientKey());
  }

  @Test
  void aClientWithACertificateOfTheAgentsAuthorityIsServed() throws Exception {
    assertAllWorks(certified().caFile(guarded.files().caCertificate()).build());
  }

  @Test
  void theAuthorityMayStandInADirectoryWithOthers() throws Exception {
    Path directory = Files.createDirectory(folder.resolve("authorities-" + kind));
    Files.copy(guarded.files().caCertificate(), directory.resolve("agent.pem"));
    Files.writeString(directory.resolve("other.pem"), otherAuthority());
    assertAllWorks(
        ConsulConfig.fromEnvironment(
            Map.of(
                "CONSUL_HTTP_ADDR", https(),
                "CONSUL_CAPATH", directory.toString(),
                "CONSUL_CLIENT_CERT", guarded.files().clientCertificate().toString(),
                "CONSUL_CLIENT_KEY", guarded.files().clientKey().toString())));
  }

  @Test
  void tlsInsideOfAUnixSocketIsSpokenByNomadsVariables() throws Exception {
    assertAllWorks(
        ConsulConfig.fromEnvironment(
            Map.of(
                "CONSUL_HTTP_ADDR",
                "unix://" + guarded.socket(),
                "CONSUL_HTTP_SSL",
                "true",
                "CONSUL_TLS_SERVER_NAME",
                "localhost",
                "CONSUL_CACERT",
                guarded.files().caCertificate().toString(),
                "CONSUL_CLIENT_CERT",
                guarded.files().clientCertificate().toString(),
                "CONSUL_CLIENT_KEY",
                guarded.files().clientKey().toString())));
  }

  private String otherAuthority() throws IOException {
    try {
      return ConsulAgent.pem("CERTIFICATE", MeshTestAuthority.create().certificate().getEncoded());
    } catch (java.security.cert.CertificateEncodingException e) {
      throw new IOException(e);
    }
  }

  private void assertRefused(ConsulConfig config, String... words) throws Exception {
    MeshClient web = cast.keep(MeshClient.builder("web").consul(config).build());
    Cast.await("it says what it met", () -> reasonOf(web).contains("last error"));
    assertThat(web.state()).isEqualTo(MeshState.STARTING);
    assertThat(reasonOf(web))
        .contains("waiting for an identity, roots, intentions")
        .contains(words);
  }

  private static String reasonOf(MeshClient client) throws InterruptedException {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return "";
    } catch (MeshNotReadyException e) {
      return e.getMessage();
    }
  }

  @Test
  void aClientWithoutCertificateIsRefused() throws Exception {
    assertRefused(
        ConsulConfig.builder().address(https()).caFile(guarded.files().caCertificate()).build(),
        https());
  }

  @Test
  void anAgentOfAnotherAuthorityIsNotBelieved() throws Exception {
    Path other = Files.writeString(folder.resolve("other-" + kind + ".pem"), otherAuthority());
    assertRefused(certified().caFile(other).build(), https(), "certification path");
  }

  @Test
  void anAgentOfAnotherNameIsNotBelieved() throws Exception {
    assertRefused(
        certified().caFile(guarded.files().caCertificate()).tlsServerName("somebody.else").build(),
        https(),
        "somebody.else");
  }
}
