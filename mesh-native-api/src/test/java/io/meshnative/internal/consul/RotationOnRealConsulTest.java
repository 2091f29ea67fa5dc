package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.meshnative.consul.ConsulConfig;
import io.meshnative.identity.WorkloadIdentity;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The defect and its workaround on a real agent: after each of three rotations the leaf follows.
 * Here and not among the contract tests, because the thresholds are set from within.
 */
class RotationOnRealConsulTest {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private static final LeafGuard.Timing QUICK =
      new LeafGuard.Timing(Duration.ofSeconds(3), Duration.ofSeconds(1), Duration.ofSeconds(1));

  @TempDir Path folder;

  private static Path consul() {
    String given = System.getProperty("mesh.it.consul", "");
    List<Path> candidates = new ArrayList<>();
    if (!given.isBlank()) {
      candidates.add(Path.of(given));
    }
    Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .forEach(directory -> candidates.add(Path.of(directory, "consul")));
    Path found = candidates.stream().filter(Files::isExecutable).findFirst().orElse(null);
    if (found == null) {
      String why = "no consul binary: put one on the PATH or give -Dmesh.it.consul=/path/to/consul";
      if (Boolean.getBoolean("mesh.it.required")) {
        fail(why);
      }
      abort("skipped, because there is " + why);
    }
    return found;
  }

  private static String send(String address, String method, String path, String body)
      throws Exception {
    HttpResponse<String> response =
        HTTP.send(
            HttpRequest.newBuilder(URI.create("http://" + address + path))
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(path + ": " + response.statusCode() + " " + response.body());
    }
    return response.body();
  }

  private static void rotate(String address) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    String key =
        Base64.getEncoder().encodeToString(generator.generateKeyPair().getPrivate().getEncoded());
    send(
        address,
        "PUT",
        "/v1/connect/ca/configuration",
        "{\"Provider\":\"consul\",\"Config\":{\"PrivateKey\":\""
            + "-----BEGIN PRIVATE KEY-----\\n"
            + key
            + "\\n-----END PRIVATE KEY-----\\n"
            + "\",\"RotationPeriod\":\"2160h\",\"LeafCertTTL\":\"72h\"}}");
  }

  @Test
  void theLeafFollowsEachOfThreeRotations() throws Exception {
    Path binary = consul();
    // Held while the agent listens: the kernel gives a bound port to no connection.
    List<Socket> held = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Socket socket = new Socket();
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      held.add(socket);
    }
    List<Integer> ports = held.stream().map(Socket::getLocalPort).toList();
    ProcessBuilder builder =
        new ProcessBuilder(
            binary.toString(),
            "agent",
            "-dev",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-http-port=" + ports.get(0),
            "-server-port=" + ports.get(1),
            "-serf-lan-port=" + ports.get(2),
            "-serf-wan-port=" + ports.get(3),
            "-grpc-port=" + ports.get(4),
            "-dns-port=-1",
            "-log-level=warn");
    builder.redirectErrorStream(true).redirectOutput(folder.resolve("agent.log").toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    Process agent = builder.start();
    try {
      String address = "127.0.0.1:" + ports.get(0);
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .until(() ->
              send(address, "GET", "/v1/agent/connect/ca/roots", "").contains("BEGIN CERTIFICATE"));
      follow(address);
    } finally {
      agent.destroy();
      if (!agent.waitFor(10, TimeUnit.SECONDS)) {
        agent.destroyForcibly().waitFor();
      }
      for (Socket socket : held) {
        socket.close();
      }
    }
  }

  private static void follow(String address) throws Exception {
    Recorder<WorkloadIdentity> identity = new Recorder<>();
    ConsulConfig config = ConsulConfig.builder().address(address).build();
    try (ConsulControlPlane plane =
        ConsulControlPlane.open(config, "billing", WatchClock.SYSTEM, new SecureRandom(), QUICK)) {
      plane.identity().start(identity);
      identity.awaitValue();
      for (int rotation = 1; rotation <= 3; rotation++) {
        String before = LeafGuard.authorityOf(identity.awaitValue().leaf());
        rotate(address);
        await("the leaf after rotation " + rotation)
            .atMost(Duration.ofSeconds(60))
            .until(() -> !LeafGuard.authorityOf(identity.awaitValue().leaf()).equals(before));
        String roots = send(address, "GET", "/v1/agent/connect/ca/roots", "");
        String active =
            roots.lines().filter(line -> line.contains("SigningKeyID")).toList().toString();
        assertThat(active).contains(LeafGuard.authorityOf(identity.awaitValue().leaf()));
      }
      assertThat(identity.failures).isEmpty();
      assertThat(identity.warnings)
          .isNotEmpty()
          .allSatisfy(warning -> assertThat(warning).contains("Consul 1.").contains("made-up"));
    }
  }
}
