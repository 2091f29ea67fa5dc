package io.meshnative.tests;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real Consul server that keeps its state on disk: killed and started again it has the same
 * authority, intentions and services. ACLs are off: what no intention names is allowed.
 */
final class DurableAgent implements Plane {
  private final List<String> command;
  private final Path directory;
  private final String address;
  private Process process;

  private DurableAgent(List<String> command, Path directory, String address) throws IOException {
    this.command = command;
    this.directory = directory;
    this.address = address;
    this.process = launch();
  }

  static DurableAgent start() throws IOException {
    Path directory = Files.createTempDirectory("mesh-consul");
    List<Integer> ports = Ports.reserve(5);
    Path config = directory.resolve("agent.json");
    Files.writeString(
        config,
        "{\"connect\":{\"enabled\":true},\"performance\":{\"raft_multiplier\":1},"
            + "\"limits\":{\"http_max_conns_per_client\":1000},\"ports\":{\"http\":"
            + ports.get(0)
            + ",\"server\":"
            + ports.get(1)
            + ",\"serf_lan\":"
            + ports.get(2)
            + ",\"serf_wan\":"
            + ports.get(3)
            + ",\"grpc\":"
            + ports.get(4)
            + ",\"dns\":-1}}");
    DurableAgent agent =
        new DurableAgent(
            List.of(
                RealPeers.consul().orElseThrow().toString(),
                "agent",
                "-server",
                "-bootstrap-expect=1",
                "-node=node-1",
                "-bind=127.0.0.1",
                "-client=127.0.0.1",
                "-data-dir=" + directory.resolve("data"),
                "-config-file=" + config,
                "-log-level=warn"),
            directory,
            "127.0.0.1:" + ports.get(0));
    agent.awaitUp();
    return agent;
  }

  private Process launch() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(
                ProcessBuilder.Redirect.appendTo(directory.resolve("agent.log").toFile()));
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    return builder.start();
  }

  private void awaitUp() throws IOException {
    try {
      Awaitility.await("a Consul server with a leader and a certificate authority")
          .atMost(Duration.ofSeconds(120))
          .ignoreExceptions()
          .until(this::isUp);
    } catch (RuntimeException e) {
      String log = Files.readString(directory.resolve("agent.log"));
      close();
      throw new IOException("the agent did not start: " + log, e);
    }
  }

  private boolean isUp() throws IOException {
    HttpResponse<String> roots = api().send("GET", "/v1/agent/connect/ca/roots", "");
    return roots.statusCode() == 200 && roots.body().contains("BEGIN CERTIFICATE");
  }

  /** As a crash does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** After {@link #kill}; waits until it leads again. */
  void startAgain() throws IOException {
    process = launch();
    awaitUp();
  }

  /** It keeps its connections, takes new ones, and does nothing. */
  void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  void thaw() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    if (kill.waitFor() != 0) {
      throw new IOException("expected that kill -" + name + " works");
    }
  }

  @Override
  public String httpAddr() {
    return address;
  }

  @Override
  public Plane allow(String source, String destination) throws IOException {
    return intention(source, destination, "allow");
  }

  @Override
  public Plane deny(String source, String destination) throws IOException {
    return intention(source, destination, "deny");
  }

  /** A config entry a destination would hold one source only; the API by id adds to it. */
  private Plane intention(String source, String destination, String action) throws IOException {
    String body =
        "{\"SourceName\":\""
            + source
            + "\",\"DestinationName\":\""
            + destination
            + "\",\"SourceType\":\"consul\",\"Action\":\""
            + action
            + "\"}";
    HttpResponse<String> answer = api().send("POST", "/v1/connect/intentions", body);
    if (answer.statusCode() != 200
        && !answer.body().toLowerCase(java.util.Locale.ROOT).contains("duplicate")) {
      throw new IOException(answer.statusCode() + " " + answer.body());
    }
    return this;
  }

  @Override
  public Plane remove(String source, String destination) {
    throw new UnsupportedOperationException("not played here");
  }

  @Override
  public void removeAllIntentions() {
    throw new UnsupportedOperationException("not played here");
  }

  @Override
  public Plane register(String service, String id, String host, int port) {
    throw new UnsupportedOperationException("not played here");
  }

  @Override
  public Plane deregister(String id) {
    throw new UnsupportedOperationException("not played here");
  }

  @Override
  public Plane rotateRoot() {
    throw new UnsupportedOperationException("not played here");
  }

  @Override
  public boolean authorize(String target, String clientUri) throws IOException {
    return api().authorize(target, clientUri);
  }

  @Override
  public String trustDomain() throws IOException {
    return AgentApi.field(api().require("GET", "/v1/agent/connect/ca/roots", ""), "TrustDomain");
  }

  @Override
  public void close() {
    process.destroyForcibly();
    ConsulAgent.end(process);
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return "consul with a disk";
  }
}
