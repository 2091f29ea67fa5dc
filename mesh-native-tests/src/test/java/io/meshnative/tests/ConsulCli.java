package io.meshnative.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The real {@code consul} command, pointed at some agent by its environment alone. */
final class ConsulCli {
  private final Path directory;
  private final Map<String, String> environment;

  /**
   * Makes a command.
   *
   * @param directory where outputs and logs go
   * @param environment the {@code CONSUL_*} variables; those of the tests' own environment are
   *     taken away
   */
  ConsulCli(Path directory, Map<String, String> environment) {
    this.directory = directory;
    this.environment = environment;
  }

  /** What a command said, on both streams, and with which code it ended. */
  record Result(int exit, String output) {}

  /** The command's release: 8 for 1.8.7. */
  int minor() throws IOException {
    String version = run("version").output();
    Matcher matcher = Pattern.compile("Consul v1\\.(\\d+)\\.").matcher(version);
    if (!matcher.find()) {
      throw new IOException("expected 'Consul v1.x.y', found " + version);
    }
    return Integer.parseInt(matcher.group(1));
  }

  private ProcessBuilder builder(List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(RealPeers.consul().orElseThrow().toString());
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    builder.environment().putAll(environment);
    return builder;
  }

  /** Runs a command to its end. */
  Result run(String... arguments) throws IOException {
    Path output = Files.createTempFile(directory, "out", ".txt");
    Process process = builder(List.of(arguments)).redirectOutput(output.toFile()).start();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        throw new IOException(
            "expected 'consul " + String.join(" ", arguments) + "' to end, it still runs");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      ConsulAgent.end(process);
    }
    return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
  }

  /** Starts a command that goes on, such as a proxy. The caller ends it. */
  Process start(String log, String... arguments) throws IOException {
    return builder(List.of(arguments)).redirectOutput(directory.resolve(log).toFile()).start();
  }
}
