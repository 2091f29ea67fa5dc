package io.meshnative.benchmarks;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/**
 * A real agent that holds the rules, and the call by which Consul's own SDK asks it about each
 * connection: over the loopback, on a connection that is kept alive, answered from the agent's
 * cache.
 */
final class AgentRules implements AutoCloseable {
  private static final MediaType JSON = MediaType.get("application/json");
  private static final long START_SECONDS = 60;

  private final Path directory;
  private final List<Socket> held = new ArrayList<>();
  private final Process process;
  private final String address;
  private final OkHttpClient http =
      new OkHttpClient.Builder().readTimeout(Duration.ofSeconds(60)).build();
  private final List<RequestBody> questions = new ArrayList<>();

  /** Where {@code -Dmesh.it.consul=…} says, else on the PATH. */
  static Optional<Path> binary() {
    String given = System.getProperty("mesh.it.consul", "");
    return given.isBlank()
        ? Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .map(folder -> Path.of(folder, "consul"))
            .filter(Files::isExecutable)
            .findFirst()
        : Optional.of(Path.of(given));
  }

  /** Starts the agent and writes the intentions; they are of layer 4, since it judges no others. */
  AgentRules(Path binary, RuleSet set) throws Exception {
    this.directory = Files.createTempDirectory("mesh-benchmark");
    int httpPort = reserve();
    this.address = "http://127.0.0.1:" + httpPort;
    this.process =
        new ProcessBuilder(
                binary.toString(),
                "agent",
                "-dev",
                "-node=node-1",
                "-bind=127.0.0.1",
                "-client=127.0.0.1",
                "-http-port=" + httpPort,
                "-server-port=" + reserve(),
                "-serf-lan-port=" + reserve(),
                "-serf-wan-port=" + reserve(),
                "-grpc-port=-1",
                "-dns-port=-1",
                "-log-level=warn")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("log").toFile())
            .start();
    try {
      awaitLeader();
      for (int rule = 0; rule < set.rules(); rule++) {
        require(
            "/v1/connect/intentions",
            RequestBody.create(
                "{\"SourceName\":\""
                    + set.callerOf(rule)
                    + "\",\"DestinationName\":\""
                    + RuleSet.SERVICE
                    + "\",\"SourceType\":\"consul\",\"Action\":\"allow\"}",
                JSON));
      }
      for (int question = 0; question < RuleSet.QUESTIONS; question++) {
        questions.add(
            RequestBody.create(
                "{\"Target\":\""
                    + RuleSet.SERVICE
                    + "\",\"ClientCertURI\":\""
                    + RuleSet.id(set.callerOf(set.ruleOf(question))).spiffeId()
                    + "\",\"ClientCertSerial\":\"01\"}",
                JSON));
      }
      awaitCache();
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  /** Held by a socket that does not listen, so that nobody else is given it. */
  private int reserve() throws IOException {
    Socket socket = new Socket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    held.add(socket);
    return socket.getLocalPort();
  }

  private void awaitLeader() throws Exception {
    await(() -> {
      try (Response response =
          http.newCall(new Request.Builder().url(address + "/v1/status/leader").build())
              .execute()) {
        return response.isSuccessful() && response.body().string().length() > 2;
      } catch (IOException e) {
        return false;
      }
    });
  }

  /** The agent follows its servers in the background; the last rule written is the last to come. */
  private void awaitCache() throws Exception {
    await(() -> {
      for (int question = 0; question < RuleSet.QUESTIONS; question++) {
        if (!require("/v1/agent/connect/authorize", questions.get(question))
            .contains("intention")) {
          return false;
        }
      }
      return true;
    });
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(Condition condition) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (!condition.holds()) {
      if (System.nanoTime() > until) {
        throw new IOException("the agent is not ready after " + START_SECONDS + " s");
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private String require(String path, RequestBody body) throws IOException {
    Request request = new Request.Builder().url(address + path).post(body).build();
    try (Response response = http.newCall(request).execute()) {
      String text = response.body().string();
      if (!response.isSuccessful()) {
        throw new IOException(path + ": " + response.code() + " " + text);
      }
      return text;
    }
  }

  boolean allows(int question) throws IOException {
    String answer = require("/v1/agent/connect/authorize", questions.get(question));
    return answer.contains("\"Authorized\":true") || answer.contains("\"Authorized\": true");
  }

  @Override
  public void close() throws IOException, InterruptedException {
    http.connectionPool().evictAll();
    http.dispatcher().executorService().shutdown();
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
    for (Socket socket : held) {
      socket.close();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
