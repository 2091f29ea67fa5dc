package io.meshnative.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A running Envoy, one process, on loopback; {@link #close} ends it and removes its directory. What
 * it logs is shown where a test fails, see {@link EnvoyLogs}.
 */
final class EnvoyProcess implements AutoCloseable {
  private static final Set<EnvoyProcess> RUNNING = ConcurrentHashMap.newKeySet();
  private static final int SHOWN_LINES = 80;

  private final Process process;
  private final Path directory;
  private final AgentApi admin;

  private EnvoyProcess(Process process, Path directory, AgentApi admin) {
    this.process = process;
    this.directory = directory;
    this.admin = admin;
  }

  /** A directory for one process and the files that it watches. */
  static Path newDirectory() throws IOException {
    return Files.createTempDirectory("mesh-envoy");
  }

  /**
   * Starts an Envoy and waits until it serves.
   *
   * @param directory its own
   * @param bootstrap its configuration, but for the node and the admin listener
   */
  static EnvoyProcess start(Path directory, Map<String, Object> bootstrap) throws IOException {
    Map<String, Object> whole = new LinkedHashMap<>(bootstrap);
    whole.put("node", Map.of("id", "mesh-native-test", "cluster", "mesh-native-tests"));
    whole.put("admin", Map.of("address", EnvoyConfig.loopback(0)));
    Path config = directory.resolve("bootstrap.json");
    Path adminAddress = directory.resolve("admin");
    Files.writeString(config, EnvoyJson.text(whole));
    Process process =
        new ProcessBuilder(
                List.of(
                    RealPeers.envoy().orElseThrow().toString(),
                    "--config-path",
                    config.toString(),
                    "--admin-address-path",
                    adminAddress.toString(),
                    "--disable-hot-restart",
                    "--concurrency",
                    "1",
                    // Listeners that were replaced end what they still carry at once.
                    "--drain-time-s",
                    "1",
                    "--drain-strategy",
                    "immediate",
                    "--log-level",
                    "warning",
                    "--component-log-level",
                    "upstream:info,config:info"))
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("envoy.log").toFile())
            .start();
    try {
      AgentApi admin =
          Awaitility.await("an Envoy that is live")
              .atMost(Cast.GUARD)
              .ignoreExceptions()
              .until(() -> live(process, adminAddress), found -> found != null);
      EnvoyProcess envoy = new EnvoyProcess(process, directory, admin);
      RUNNING.add(envoy);
      return envoy;
    } catch (RuntimeException | Error e) {
      String log = Files.readString(directory.resolve("envoy.log"));
      ConsulAgent.end(process);
      remove(directory);
      throw new IOException("Envoy did not start: " + log, e);
    }
  }

  private static AgentApi live(Process process, Path adminAddress) throws IOException {
    if (!process.isAlive()) {
      // Not a timeout: nothing will change any more.
      throw new AssertionError(
          "Envoy has ended: " + Files.readString(adminAddress.resolveSibling("envoy.log")));
    }
    AgentApi admin = new AgentApi(Files.readString(adminAddress).trim(), "");
    return admin.send("GET", "/ready", "").statusCode() == 200 ? admin : null;
  }

  Path directory() {
    return directory;
  }

  /** What the admin listener answers. */
  String admin(String path) throws IOException {
    return admin.require("GET", path, "");
  }

  /** The value of a counter or gauge. */
  long stat(String name) throws IOException {
    String filter = URLEncoder.encode("^" + name.replace(".", "\\.") + "$", StandardCharsets.UTF_8);
    String answer = admin("/stats?filter=" + filter).trim();
    if (!answer.startsWith(name + ": ")) {
      throw new IOException("expected the statistic " + name + ", found " + answer);
    }
    return Long.parseLong(answer.substring(name.length() + 2).trim());
  }

  /** The last of what it has logged. */
  String log() {
    try {
      List<String> lines = Files.readAllLines(directory.resolve("envoy.log"));
      return String.join(
          "\n", lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size()));
    } catch (IOException e) {
      return "no log: " + e;
    }
  }

  /** The logs of those that run now. */
  static List<String> logsOfTheRunning() {
    List<String> logs = new ArrayList<>();
    for (EnvoyProcess envoy : RUNNING) {
      logs.add(envoy.log());
    }
    return logs;
  }

  @Override
  public void close() {
    RUNNING.remove(this);
    ConsulAgent.end(process);
    remove(directory);
  }

  private static void remove(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
