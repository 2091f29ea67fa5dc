package io.meshnative.tests;

import io.meshnative.testkit.KeyType;
import java.io.File;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real Consul agent, one process, on loopback; ended by {@link #close}. In development mode,
 * where it forgets all when it ends, or as a member of a cluster, where it keeps its data.
 */
final class ConsulAgent implements Plane {
  static final String MASTER_TOKEN = "11111111-2222-3333-4444-555555555555";

  private final List<String> command;
  private Process process;
  private final Path directory;
  private final String address;
  private final boolean acls;
  private final boolean member;
  private final AgentApi api;
  private final Map<String, String> intentionIds = new ConcurrentHashMap<>();

  private ConsulAgent(
      List<String> command, Path directory, String address, boolean acls, boolean member)
      throws IOException {
    this.command = command;
    this.process = launch(command, directory);
    this.directory = directory;
    this.address = address;
    this.acls = acls;
    this.member = member;
    this.api = new AgentApi(address, acls ? MASTER_TOKEN : "");
  }

  /**
   * How an agent is started.
   *
   * @param defaultAllow ACLs off, whose default is to allow; else on, whose default is to deny
   * @param settings further settings of the agent's configuration, as members of a JSON object
   */
  record Options(boolean defaultAllow, String settings) {
    static Options of(boolean defaultAllow) {
      return new Options(defaultAllow, "");
    }

    Options with(String members) {
      return new Options(defaultAllow, settings + "," + members);
    }
  }

  /** Starts an agent with ACLs off, whose default is to allow, or on, whose default is to deny. */
  static ConsulAgent start(boolean defaultAllow) throws IOException {
    return start(Options.of(defaultAllow));
  }

  static ConsulAgent start(Options options) throws IOException {
    boolean defaultAllow = options.defaultAllow();
    Path directory = Files.createTempDirectory("mesh-consul");
    List<Integer> ports = Ports.reserve(5);
    Path config = directory.resolve("agent.json");
    Files.writeString(
        config,
        "{\"limits\":{\"http_max_conns_per_client\":1000}"
            + (defaultAllow
                ? ""
                : ",\"acl\":{\"enabled\":true,\"default_policy\":\"deny\",\"tokens\":{\"master\":\""
                    + MASTER_TOKEN
                    // The agent's own, without which it may not take a service out of the catalog.
                    + "\",\"agent\":\""
                    + MASTER_TOKEN
                    + "\"}}")
            + options.settings()
            + "}");
    List<String> command = new ArrayList<>(oneGrpcPort());
    command.addAll(
        0,
        List.of(
            RealPeers.consul().orElseThrow().toString(),
            "agent",
            "-dev",
            "-node=node-1",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-http-port=" + ports.get(0),
            "-server-port=" + ports.get(1),
            "-serf-lan-port=" + ports.get(2),
            "-serf-wan-port=" + ports.get(3),
            "-grpc-port=" + ports.get(4),
            "-dns-port=-1",
            "-config-file=" + config,
            "-log-level=warn"));
    ConsulAgent agent =
        new ConsulAgent(command, directory, "127.0.0.1:" + ports.get(0), !defaultAllow, false);
    agent.awaitUp();
    return agent;
  }

  /**
   * The ports of a member of a cluster, of which the others need some before it is started.
   *
   * @param node its name
   */
  record Place(String node, int http, int server, int serfLan, int serfWan) {
    static Place reserve(String node) throws IOException {
      List<Integer> ports = Ports.reserve(4);
      return new Place(node, ports.get(0), ports.get(1), ports.get(2), ports.get(3));
    }
  }

  /**
   * Launches a member of a cluster, with ACLs off, which keeps its data while it is down. It is not
   * waited for: a server is up only when enough of them are.
   *
   * @param servers of how many servers it is one; 0 for an agent that is none
   * @param peers the places of the servers
   */
  static ConsulAgent member(Place place, int servers, List<Place> peers) throws IOException {
    Path directory = Files.createTempDirectory("mesh-consul");
    Path config = directory.resolve("agent.json");
    Files.writeString(
        config,
        "{\"limits\":{\"http_max_conns_per_client\":1000},"
            // Elections as fast as between processes that share a machine; a server that was
            // killed keeps its vote, for it comes back.
            + "\"performance\":{\"raft_multiplier\":1},"
            + "\"autopilot\":{\"cleanup_dead_servers\":false},"
            + "\"connect\":{\"enabled\":true},"
            + "\"disable_update_check\":true"
            + "}");
    List<String> command = new ArrayList<>();
    command.addAll(
        List.of(
            RealPeers.consul().orElseThrow().toString(),
            "agent",
            "-node=" + place.node(),
            "-data-dir=" + directory.resolve("data"),
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-http-port=" + place.http(),
            "-server-port=" + place.server(),
            "-serf-lan-port=" + place.serfLan(),
            "-serf-wan-port=" + (servers > 0 ? place.serfWan() : -1),
            "-grpc-port=-1",
            "-dns-port=-1",
            "-retry-interval=200ms",
            "-config-file=" + config,
            "-log-level=warn"));
    command.addAll(oneGrpcPort());
    if (servers > 0) {
      command.add("-server");
      command.add("-bootstrap-expect=" + servers);
    }
    for (Place peer : peers) {
      command.add("-retry-join=127.0.0.1:" + peer.serfLan());
    }
    return new ConsulAgent(command, directory, "127.0.0.1:" + place.http(), false, true);
  }

  /**
   * Starts a server that keeps its state on disk: killed and started again it has the same
   * authority, intentions and services. ACLs are off: what no intention names is allowed.
   */
  static ConsulAgent startLasting() throws IOException {
    ConsulAgent agent = member(Place.reserve("node-1"), 1, List.of());
    agent.awaitUp();
    return agent;
  }

  /** From 1.14 on there is a second port for gRPC, the same for every server of a machine. */
  private static List<String> oneGrpcPort() throws IOException {
    return RealPeers.consulIsAtLeast(1, 14) ? List.of("-grpc-tls-port=-1") : List.of();
  }

  private static Process launch(List<String> command, Path directory) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("agent.log").toFile()));
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    return builder.start();
  }

  /** Ends the agent's process and starts it anew: in development mode it has forgotten all. */
  void restart() throws IOException {
    end(process);
    startAgain();
    awaitUp();
  }

  /** Starts the process again after {@link #kill}, and does not wait for it. */
  void startAgain() throws IOException {
    process = launch(command, directory);
  }

  boolean isRunning() {
    return process.isAlive();
  }

  void awaitUp() throws IOException {
    try {
      Awaitility.await("a Consul agent with a leader and a certificate authority")
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptions()
          .until(this::isUp);
    } catch (RuntimeException e) {
      String log = Files.readString(directory.resolve("agent.log"));
      close();
      throw new IOException("the agent did not start: " + log, e);
    }
  }

  private boolean isUp() throws IOException {
    if (!process.isAlive()) {
      throw new IOException("the agent has ended");
    }
    HttpResponse<String> roots = api.send("GET", "/v1/agent/connect/ca/roots", "");
    return roots.statusCode() == 200 && roots.body().contains("BEGIN CERTIFICATE");
  }

  /** Ends the agent as a crash does; {@link #close} is still due. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
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
  public AgentApi api() {
    return api;
  }

  Path directory() {
    return directory;
  }

  @Override
  public String token() {
    return acls ? MASTER_TOKEN : "";
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

  /** The API by id, which every version has. */
  private Plane intention(String source, String destination, String action) throws IOException {
    String key = source + " " + destination;
    String body =
        "{\"SourceName\":\""
            + source
            + "\",\"DestinationName\":\""
            + destination
            + "\",\"SourceType\":\"consul\",\"Action\":\""
            + action
            + "\"}";
    String id = intentionIds.get(key);
    if (id == null) {
      HttpResponse<String> made = api.send("POST", "/v1/connect/intentions", body);
      boolean again = made.body().toLowerCase(Locale.ROOT).contains("duplicate");
      if (made.statusCode() == 200) {
        intentionIds.put(key, AgentApi.field(made.body(), "ID"));
      } else if (!again) { // else an earlier call, whose answer was lost, made it
        throw new IOException(key + ": " + made.statusCode() + " " + made.body());
      }
    } else {
      api.require("PUT", "/v1/connect/intentions/" + id, body);
    }
    return this;
  }

  @Override
  public Plane remove(String source, String destination) throws IOException {
    String id = Optional.ofNullable(intentionIds.remove(source + " " + destination)).orElseThrow();
    api.require("DELETE", "/v1/connect/intentions/" + id, "");
    return this;
  }

  @Override
  public void removeAllIntentions() throws IOException {
    for (String key : List.copyOf(intentionIds.keySet())) {
      String[] names = key.split(" ");
      remove(names[0], names[1]);
    }
  }

  @Override
  public Plane register(String service, String id, String host, int port) throws IOException {
    api.require(
        "PUT",
        "/v1/agent/service/register",
        "{\"Name\":\""
            + service
            + "\",\"ID\":\""
            + id
            + "\",\"Address\":\""
            + host
            + "\",\"Port\":"
            + port
            + ",\"Connect\":{\"Native\":true}}");
    return this;
  }

  @Override
  public Plane deregister(String id) throws IOException {
    api.require("PUT", "/v1/agent/service/deregister/" + id, "");
    return this;
  }

  @Override
  public Plane rotateRoot() throws IOException {
    return rotateRoot(KeyType.EC_P256);
  }

  @Override
  public Plane rotateRoot(KeyType type) throws IOException {
    api.require(
        "PUT",
        "/v1/connect/ca/configuration",
        "{\"Provider\":\"consul\",\"Config\":{\"PrivateKey\":\""
            + newSigningKey(type)
            + "\",\"PrivateKeyType\":\""
            + (type == KeyType.RSA_2048 ? "rsa" : "ec")
            + "\",\"PrivateKeyBits\":"
            + (type == KeyType.RSA_2048 ? 2048 : type == KeyType.EC_P384 ? 384 : 256)
            + ",\"RotationPeriod\":\"2160h\",\"LeafCertTTL\":\"72h\"}}");
    return this;
  }

  /** A fresh key; without one the agent keeps the root it has. */
  private static String newSigningKey(KeyType type) throws IOException {
    try {
      KeyPairGenerator generator;
      if (type == KeyType.RSA_2048) {
        generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
      } else {
        generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(
            new ECGenParameterSpec(type == KeyType.EC_P384 ? "secp384r1" : "secp256r1"));
      }
      return pem("PRIVATE KEY", generator.generateKeyPair().getPrivate().getEncoded())
          .replace("\n", "\\n");
    } catch (java.security.GeneralSecurityException e) {
      throw new IOException(e);
    }
  }

  @Override
  public boolean authorize(String target, String clientUri) throws IOException {
    return api.authorize(target, clientUri);
  }

  @Override
  public String trustDomain() throws IOException {
    return AgentApi.field(api.require("GET", "/v1/agent/connect/ca/roots", ""), "TrustDomain");
  }

  /** Starts another process of the same binary against this agent, such as a proxy. */
  Process run(String logName, List<String> arguments, Map<String, String> environment)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(RealPeers.consul().orElseThrow().toString());
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    File log = directory.resolve(logName).toFile();
    builder.redirectErrorStream(true).redirectOutput(log);
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    Map<String, String> set = new HashMap<>(environment);
    set.put("CONSUL_HTTP_ADDR", address);
    if (acls) {
      set.put("CONSUL_HTTP_TOKEN", MASTER_TOKEN);
    }
    builder.environment().putAll(set);
    return builder.start();
  }

  @Override
  public void close() {
    if (member) {
      process.destroyForcibly(); // else it would take leave of the others, and its time
    }
    end(process);
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  static void end(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String toString() {
    return "consul";
  }

  /** Base64 lines for a PEM block. */
  static String pem(String type, byte[] der) {
    return "-----BEGIN "
        + type
        + "-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der)
        + "\n-----END "
        + type
        + "-----\n";
  }
}
