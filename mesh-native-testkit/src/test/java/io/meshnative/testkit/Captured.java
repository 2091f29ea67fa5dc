package io.meshnative.testkit;

import io.meshnative.testkit.internal.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One HTTP exchange with a real agent.
 *
 * @param requestBody as it was sent, null for none
 * @param answer a tree where the answer was JSON, else the text
 */
record Captured(
    String name,
    String method,
    String path,
    Map<String, String> requestHeaders,
    @Nullable String requestBody,
    int status,
    Map<String, String> headers,
    @Nullable Object answer) {

  /** Tables about many exchanges, which other tests read. */
  static final List<String> TABLES = List.of("acl-matrix", "precedence-cases");

  static Captured load(String version, String name) {
    Map<?, ?> tree = (Map<?, ?>) read(folder(version).resolve(name + ".json"));
    Map<?, ?> request = (Map<?, ?>) tree.get("request");
    Object body = request.get("body");
    return new Captured(
        name,
        (String) request.get("method"),
        (String) request.get("path"),
        texts((Map<?, ?>) request.get("headers")),
        body == null ? null : body instanceof String text ? text : Json.write(body),
        ((Long) tree.get("status")).intValue(),
        texts((Map<?, ?>) tree.get("headers")),
        tree.get("body"));
  }

  /** The names of all exchanges with a release. */
  static List<String> names(String version) {
    try (Stream<Path> files = Files.list(folder(version))) {
      return files
          .map(file -> file.getFileName().toString().replace(".json", ""))
          .filter(name -> !TABLES.contains(name))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One of the {@link #TABLES}. */
  static @Nullable Object table(String name) {
    return read(folder("1.10.3").resolve(name + ".json"));
  }

  private static @Nullable Object read(Path file) {
    try {
      return Json.read(Files.readString(file));
    } catch (IOException | Json.MalformedJson e) {
      throw new AssertionError(file.toString(), e);
    }
  }

  private static Path folder(String version) {
    return resource("/io/meshnative/fixtures/" + version);
  }

  static Path resource(String name) {
    try {
      return Path.of(Captured.class.getResource(name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(name, e);
    }
  }

  private static Map<String, String> texts(Map<?, ?> map) {
    Map<String, String> all = new LinkedHashMap<>();
    map.forEach((key, value) -> all.put((String) key, String.valueOf(value)));
    return all;
  }
}
