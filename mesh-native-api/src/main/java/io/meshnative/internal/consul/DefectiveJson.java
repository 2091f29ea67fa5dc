package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads the JSON of a rule and writes down whatever is not understood in it, instead of skipping
 * it: a field that is not known may be a condition, and a rule without its condition says something
 * else than its author meant.
 *
 * <p>What has a wrong type is read over and noted, so that one bad rule does not hide the others.
 */
final class DefectiveJson {
  private static final int MAX_DEFECTS = 20;

  /** Reads the value of a field that is known, or returns false and leaves it unread. */
  @FunctionalInterface
  interface Field {
    /** Reads. */
    boolean read(String name) throws IOException;
  }

  final JsonReader reader;
  private final Set<String> tolerated;
  private List<String> defects = new ArrayList<>();

  DefectiveJson(JsonReader reader, Set<String> tolerated) {
    this.reader = reader;
    this.tolerated = tolerated;
  }

  void defect(String what) {
    if (defects.size() < MAX_DEFECTS) {
      defects.add(what);
    }
  }

  /** Returns what was noted since the last call. */
  List<String> takeDefects() {
    List<String> taken = defects;
    defects = new ArrayList<>();
    return taken;
  }

  /** Reads an object; another value is noted. Null counts as absent and gives false. */
  boolean object(String where, Field field) throws IOException {
    if (!is(JsonReader.Token.BEGIN_OBJECT, where, "an object")) {
      return false;
    }
    reader.beginObject();
    Set<String> seen = new HashSet<>();
    while (reader.hasNext()) {
      String name = reader.nextName();
      if (!seen.add(name)) {
        defect(where + " holds the field " + Shown.quote(name) + " twice");
        reader.skipValue();
      } else if (!field.read(name)) {
        if (!tolerated.contains(name)) {
          defect(where + " holds the unknown field " + Shown.quote(name));
        }
        reader.skipValue();
      }
    }
    reader.endObject();
    return true;
  }

  /** Reads an array of objects. Null counts as empty. */
  void objects(String where, Json.Element element) throws IOException {
    if (is(JsonReader.Token.BEGIN_ARRAY, where, "an array")) {
      reader.beginArray();
      while (reader.hasNext()) {
        element.read();
      }
      reader.endArray();
    }
  }

  /** Reads a text. Null counts as empty. */
  String text(String where) throws IOException {
    return is(JsonReader.Token.STRING, where, "a text") ? reader.nextString() : "";
  }

  boolean bool(String where) throws IOException {
    return is(JsonReader.Token.BOOLEAN, where, "true or false") && reader.nextBoolean();
  }

  /** Reads a whole number; 0 where there is none. */
  int number(String where) throws IOException {
    if (!is(JsonReader.Token.NUMBER, where, "a number")) {
      return 0;
    }
    Integer number = Json.integer(reader);
    if (number == null) {
      defect(where + " is not a whole number");
      return 0;
    }
    return number;
  }

  /** Reads over a value; tells whether it was there, that is, not null. */
  boolean present() throws IOException {
    boolean there = reader.peek() != JsonReader.Token.NULL;
    reader.skipValue();
    return there;
  }

  /** Reads over a value that decides nothing. */
  boolean skip() throws IOException {
    reader.skipValue();
    return true;
  }

  private boolean is(JsonReader.Token token, String where, String expected) throws IOException {
    JsonReader.Token found = reader.peek();
    if (found == token) {
      return true;
    }
    if (found != JsonReader.Token.NULL) {
      defect(where + " is not " + expected);
    }
    reader.skipValue();
    return false;
  }
}
