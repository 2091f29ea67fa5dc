package io.meshnative.jdbc;

import com.squareup.moshi.JsonReader;
import com.squareup.moshi.JsonWriter;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Calls of Vault's API. Bounded in time and size; follows no redirect, which would carry a token.
 */
final class VaultHttp {
  private static final MediaType JSON = MediaType.get("application/json");
  private static final long MOST = 1 << 20;
  private static final int MOST_WORDS = 300;

  private final OkHttpClient http;
  private final HttpUrl address;
  private final @Nullable String namespace;

  /**
   * What we read of an answer.
   *
   * @param texts the texts at the top, in {@code data} and in {@code auth}, by name
   * @param seconds its lease, or that of {@code auth}
   * @param renewable whether the lease can be prolonged
   * @param ttl the {@code ttl} in {@code data}, in seconds; 0 for none
   */
  record Answer(Map<String, String> texts, long seconds, boolean renewable, long ttl) {
    String require(String name) throws IOException {
      String text = texts.get(name);
      if (text == null || text.isEmpty()) {
        throw new IOException("expected " + name + " in Vault's answer, found none");
      }
      return text;
    }

    /** Nothing of what they say: a password, a token. */
    @Override
    public String toString() {
      return "Answer" + texts.keySet();
    }
  }

  /** Vault said no. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;
    final int status;

    Refused(int status, String message) {
      super(message);
      this.status = status;
    }
  }

  VaultHttp(OkHttpClient http, HttpUrl address, @Nullable String namespace) {
    this.http =
        http.newBuilder()
            .followRedirects(false)
            .followSslRedirects(false)
            .callTimeout(Duration.ofSeconds(30))
            .build();
    this.address = address;
    this.namespace = namespace;
  }

  VaultAuth.Login login(String mount, Map<String, String> body) throws IOException {
    Answer answer = call("POST", "v1/auth/" + mount + "/login", null, body);
    return new VaultAuth.Login(
        answer.require("client_token"), Duration.ofSeconds(answer.seconds()), answer.renewable());
  }

  Answer call(
      String method, String path, @Nullable String token, @Nullable Map<String, String> body)
      throws IOException {
    Request.Builder request =
        new Request.Builder()
            .url(address.newBuilder().addPathSegments(path).build())
            .header("X-Vault-Request", "true")
            .method(method, body == null ? null : RequestBody.create(json(body), JSON));
    if (token != null) {
      request.header("X-Vault-Token", token);
    }
    if (namespace != null) {
      request.header("X-Vault-Namespace", namespace);
    }
    String what = method + " /" + path + " at " + address;
    try (Response response = http.newCall(request.build()).execute()) {
      Buffer text = bounded(what, response.body());
      if (response.code() != 200) {
        throw new Refused(
            response.code(),
            "expected 200 from " + what + ", found " + response.code() + firstError(text));
      }
      return read(what, text);
    } catch (InterruptedIOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw e;
      }
      throw new IOException("expected an answer to " + what + ", found none in time", e);
    }
  }

  private static String json(Map<String, String> body) throws IOException {
    Buffer buffer = new Buffer();
    try (JsonWriter writer = JsonWriter.of(buffer)) {
      writer.beginObject();
      for (Map.Entry<String, String> entry : body.entrySet()) {
        writer.name(entry.getKey()).value(entry.getValue());
      }
      writer.endObject();
    }
    return buffer.readUtf8();
  }

  private static Buffer bounded(String what, ResponseBody body) throws IOException {
    Buffer text = new Buffer();
    while (text.size() <= MOST) {
      if (body.source().read(text, 8192) < 0) {
        return text;
      }
    }
    throw new IOException("expected at most " + MOST + " bytes from " + what + ", found more");
  }

  /** Vault's own words, as many as a log takes; they hold no secret. */
  private static String firstError(Buffer text) {
    try (JsonReader reader = JsonReader.of(text)) {
      reader.beginObject();
      while (reader.hasNext()) {
        if (reader.nextName().equals("errors")) {
          reader.beginArray();
          return reader.hasNext() ? ": " + shortened(reader.nextString()) : "";
        }
        reader.skipValue();
      }
      return "";
    } catch (IOException | RuntimeException e) {
      return "";
    }
  }

  private static String shortened(String words) {
    String line = words.lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?");
    return line.length() <= MOST_WORDS ? line : line.substring(0, MOST_WORDS) + "…";
  }

  private static Answer read(String what, Buffer text) throws IOException {
    Map<String, String> texts = new HashMap<>();
    Map<String, Long> seconds = new HashMap<>();
    boolean[] renewable = {false};
    try (JsonReader reader = JsonReader.of(text)) {
      object(reader, texts, seconds, renewable, 0);
    } catch (IOException | RuntimeException e) {
      // Not its message, nor as a cause: the reader quotes what it met.
      throw new IOException("expected a JSON object from " + what + ", found something else");
    }
    return new Answer(
        Map.copyOf(texts),
        seconds.getOrDefault("lease_duration", 0L),
        renewable[0],
        seconds.getOrDefault("ttl", 0L));
  }

  private static void object(
      JsonReader reader,
      Map<String, String> texts,
      Map<String, Long> seconds,
      boolean[] renewable,
      int depth)
      throws IOException {
    reader.beginObject();
    while (reader.hasNext()) {
      String name = reader.nextName();
      switch (reader.peek()) {
        case STRING -> texts.putIfAbsent(name, reader.nextString());
        case NUMBER -> {
          if (name.equals("lease_duration") || name.equals("ttl")) {
            seconds.merge(name, reader.nextLong(), Math::max);
          } else {
            reader.skipValue();
          }
        }
        case BOOLEAN -> {
          boolean value = reader.nextBoolean();
          renewable[0] |= name.equals("renewable") && value;
        }
        case BEGIN_OBJECT -> {
          if (depth == 0 && (name.equals("data") || name.equals("auth"))) {
            object(reader, texts, seconds, renewable, 1);
          } else {
            reader.skipValue();
          }
        }
        default -> reader.skipValue();
      }
    }
    reader.endObject();
  }
}
