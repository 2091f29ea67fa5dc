package io.meshnative.internal.consul;

import com.squareup.moshi.JsonDataException;
import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import java.io.EOFException;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import okio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Reading JSON that is strict in what it reads and indifferent to what it does not: no tree, no
 * reflection, a field given twice is refused, trailing text too.
 */
final class Json {
  private Json() {}

  /** Reads one document. */
  @FunctionalInterface
  interface Document<T> {
    /** Reads; may throw {@link JsonDataException} for what is not as expected. */
    T read(JsonReader reader) throws IOException;
  }

  /** Reads one field of an object. */
  @FunctionalInterface
  interface Field {
    /** Reads the value of a field, or returns false and leaves it unread. */
    boolean read(String name) throws IOException;
  }

  /** Reads an element of an array. */
  @FunctionalInterface
  interface Element {
    /** Reads the element. */
    void read() throws IOException;
  }

  /**
   * Reads a whole body.
   *
   * @param what the call, for the message
   * @param body consumed
   * @param secret whether the body holds a secret: then the message and its cause tell nothing of
   *     it
   */
  static <T> T document(String what, Buffer body, boolean secret, Document<T> document)
      throws ControlPlaneException {
    try (JsonReader reader = JsonReader.of(body)) {
      T value = document.read(reader);
      if (reader.peek() != JsonReader.Token.END_DOCUMENT) {
        throw new JsonDataException("text after the end");
      }
      return value;
    } catch (ControlPlaneException e) {
      throw e;
    } catch (EOFException e) {
      throw AgentFailure.unusable(
          what, "expected JSON, found a text that breaks off", secret ? null : e);
    } catch (IOException | JsonDataException e) {
      String found = secret ? "another text" : Shown.quote(String.valueOf(e.getMessage()));
      throw AgentFailure.unusable(
          what, "expected JSON as Consul writes it, found " + found, secret ? null : e);
    }
  }

  /** Reads an object field by field. Null counts as empty. */
  static void object(JsonReader reader, Field field) throws IOException {
    if (isNull(reader)) {
      return;
    }
    reader.beginObject();
    Set<String> seen = new HashSet<>();
    while (reader.hasNext()) {
      String name = reader.nextName();
      if (!seen.add(name)) {
        throw new JsonDataException("a field twice at path " + reader.getPath());
      }
      if (!field.read(name)) {
        reader.skipValue();
      }
    }
    reader.endObject();
  }

  /** Reads an array. Null counts as empty. */
  static void array(JsonReader reader, Element element) throws IOException {
    if (isNull(reader)) {
      return;
    }
    reader.beginArray();
    while (reader.hasNext()) {
      element.read();
    }
    reader.endArray();
  }

  /** Reads a string, and no number as one. Null counts as empty. */
  static String text(JsonReader reader) throws IOException {
    if (isNull(reader)) {
      return "";
    }
    require(reader, JsonReader.Token.STRING);
    return reader.nextString();
  }

  static boolean bool(JsonReader reader) throws IOException {
    return !isNull(reader) && reader.nextBoolean();
  }

  /** Reads a number that is a whole one within an int; null where it is another. */
  static @Nullable Integer integer(JsonReader reader) throws IOException {
    require(reader, JsonReader.Token.NUMBER);
    double number = reader.nextDouble();
    return number == (int) number ? Integer.valueOf((int) number) : null;
  }

  static void require(JsonReader reader, JsonReader.Token token) throws IOException {
    JsonReader.Token found = reader.peek();
    if (found != token) {
      throw new JsonDataException(
          "expected " + token + ", found " + found + " at path " + reader.getPath());
    }
  }

  private static boolean isNull(JsonReader reader) throws IOException {
    if (reader.peek() != JsonReader.Token.NULL) {
      return false;
    }
    reader.<Object>nextNull();
    return true;
  }
}
