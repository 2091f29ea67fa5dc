package io.meshnative.testkit.internal;

import com.squareup.moshi.JsonDataException;
import com.squareup.moshi.JsonReader;
import com.squareup.moshi.JsonWriter;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import okio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * JSON as plain trees: {@code Map} in order, {@code List}, {@code String}, {@code Boolean}, {@code
 * Long} or {@code BigDecimal}, {@code null}. Integers stay integers, which Moshi's own trees lose.
 */
public final class Json {
  private Json() {}

  /** Builds an object in the order given: key, value, key, value. */
  public static Map<String, @Nullable Object> object(@Nullable Object... pairs) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      map.put(String.valueOf(pairs[i]), pairs[i + 1]);
    }
    return map;
  }

  /** Writes a tree, nulls included. */
  public static String write(@Nullable Object tree) {
    Buffer buffer = new Buffer();
    try (JsonWriter writer = JsonWriter.of(buffer)) {
      writer.setSerializeNulls(true);
      writer.setLenient(true);
      writer.jsonValue(tree);
    } catch (IOException e) {
      throw new UncheckedIOException("a buffer in memory does not fail", e);
    }
    return buffer.readUtf8();
  }

  /**
   * Reads a tree.
   *
   * @throws MalformedJson with a text like Go's
   */
  public static @Nullable Object read(String text) throws MalformedJson {
    try (JsonReader reader = JsonReader.of(new Buffer().writeUtf8(text))) {
      Object tree = value(reader);
      if (reader.peek() != JsonReader.Token.END_DOCUMENT) {
        throw new MalformedJson("invalid character after top-level value");
      }
      return tree;
    } catch (EOFException e) {
      throw new MalformedJson("unexpected EOF");
    } catch (IOException | JsonDataException e) {
      throw new MalformedJson(GoSyntax.error(text));
    }
  }

  private static @Nullable Object value(JsonReader reader) throws IOException {
    return switch (reader.peek()) {
      case BEGIN_OBJECT -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        reader.beginObject();
        while (reader.hasNext()) {
          map.put(reader.nextName(), value(reader));
        }
        reader.endObject();
        yield map;
      }
      case BEGIN_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        reader.beginArray();
        while (reader.hasNext()) {
          list.add(value(reader));
        }
        reader.endArray();
        yield list;
      }
      case NUMBER -> number(new BigDecimal(reader.nextString()));
      case BOOLEAN -> reader.nextBoolean();
      case NULL -> reader.nextNull();
      default -> reader.nextString();
    };
  }

  private static Number number(BigDecimal number) {
    try {
      return number.longValueExact();
    } catch (ArithmeticException e) {
      return number;
    }
  }

  /** The text was not JSON. */
  public static final class MalformedJson extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedJson(String message) {
      super(message);
    }
  }
}
