package io.meshnative.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object of a request, read as the agent reads it: keys in any letter case, in CamelCase or
 * snake_case.
 */
public final class JsonObject {
  private final Map<String, @Nullable Object> fields;
  private final Map<String, String> names = new LinkedHashMap<>();

  private JsonObject(Map<String, @Nullable Object> fields) {
    this.fields = fields;
    fields.keySet().forEach(name -> names.put(fold(name), name));
  }

  /** Reads a request's body; anything but an object is a decode error. */
  public static JsonObject parse(String text) throws Json.MalformedJson {
    return of(Json.read(text));
  }

  @SuppressWarnings("unchecked") // Json only makes maps with string keys
  public static JsonObject of(@Nullable Object tree) throws Json.MalformedJson {
    if (tree instanceof Map<?, ?> map) {
      return new JsonObject((Map<String, @Nullable Object>) map);
    }
    throw new Json.MalformedJson("json: cannot unmarshal value into an object");
  }

  private static String fold(String name) {
    return name.replace("_", "").toLowerCase(Locale.ROOT);
  }

  /** The first key, in order, that is none of the known ones. */
  public @Nullable String unknownBut(Set<String> known) {
    return names.entrySet().stream()
        .filter(entry -> known.stream().noneMatch(name -> fold(name).equals(entry.getKey())))
        .map(Map.Entry::getValue)
        .findFirst()
        .orElse(null);
  }

  /** Every key, in order, that is none of the known ones. */
  public List<String> unknown(Set<String> known) {
    return names.entrySet().stream()
        .filter(entry -> known.stream().noneMatch(name -> fold(name).equals(entry.getKey())))
        .map(Map.Entry::getValue)
        .toList();
  }

  public boolean has(String name) {
    return get(name) != null;
  }

  public @Nullable Object get(String name) {
    String spelling = names.get(fold(name));
    return spelling == null ? null : fields.get(spelling);
  }

  /** A string, or the empty one. */
  public String text(String name) {
    Object value = get(name);
    return value instanceof String text ? text : "";
  }

  public int number(String name, int otherwise) {
    Object value = get(name);
    return value instanceof Long number ? number.intValue() : otherwise;
  }

  public boolean flag(String name) {
    return Boolean.TRUE.equals(get(name));
  }

  /** An array, or the empty one. */
  public List<?> list(String name) {
    Object value = get(name);
    return value instanceof List<?> list ? list : List.of();
  }

  /** A nested object, or an empty one. */
  public JsonObject object(String name) throws Json.MalformedJson {
    Object value = get(name);
    return of(value == null ? Map.of() : value);
  }

  /** The fields as they came. */
  public Map<String, @Nullable Object> fields() {
    return fields;
  }
}
