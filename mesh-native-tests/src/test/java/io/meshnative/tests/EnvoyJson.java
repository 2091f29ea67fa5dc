package io.meshnative.tests;

import com.squareup.moshi.JsonAdapter;
import com.squareup.moshi.Moshi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON from maps, lists, texts, numbers and booleans, and back; what Envoy is configured with. */
final class EnvoyJson {
  private static final JsonAdapter<Object> ANY = new Moshi.Builder().build().adapter(Object.class);
  private static final String TYPES = "type.googleapis.com/envoy.";

  private EnvoyJson() {}

  static String text(Map<String, Object> tree) {
    return ANY.toJson(tree);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> tree(String json) throws IOException {
    return (Map<String, Object>) ANY.fromJson(json);
  }

  /**
   * A part of the configuration that says which type it is of, such as {@code config.foo.v3.Bar}.
   */
  static Map<String, Object> typed(String type, Map<String, Object> fields) {
    Map<String, Object> typed = new LinkedHashMap<>();
    typed.put("@type", TYPES + type);
    typed.putAll(fields);
    return typed;
  }

  /** What a file of resources holds that Envoy watches. */
  static Map<String, Object> resources(Map<String, Object> typed) {
    return Map.of("resources", List.of(typed));
  }

  /**
   * Replaces a file that Envoy watches: in one step, for it reads the file as soon as one of that
   * name is moved into place.
   */
  static void replace(Path file, Map<String, Object> tree) {
    try {
      Path next = file.resolveSibling(file.getFileName() + ".next");
      Files.writeString(next, text(tree));
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
