package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import com.squareup.moshi.Moshi;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import mockwebserver3.MockResponse;
import okhttp3.Headers;
import okio.Buffer;
import okio.ByteString;

/** One HTTP exchange as it was captured from a real agent. */
record Exchange(
    String name, String method, String path, int status, Headers headers, ByteString body) {

  /** Tables about many exchanges. */
  private static final Set<String> TABLES = Set.of("acl-matrix.json", "precedence-cases.json");

  /** All exchanges of both releases. */
  static List<Exchange> all() {
    List<Exchange> found = new ArrayList<>();
    for (int status : new int[] {200, 400, 401, 403, 404, 405, 429, 500}) {
      found.addAll(all("/v1/", status));
    }
    return found;
  }

  static Exchange load(String version, String name) {
    return read(folder(version).resolve(name + ".json"));
  }

  /** All exchanges of a version whose request path holds a text and whose status is this. */
  static List<Exchange> all(String path, int status) {
    List<Exchange> found = new ArrayList<>();
    for (String version : List.of("1.8.7", "1.10.3")) {
      try (Stream<Path> files = Files.list(folder(version))) {
        files
            .sorted()
            .filter(file -> !TABLES.contains(file.getFileName().toString()))
            .map(Exchange::read)
            .filter(e -> e.path.startsWith(path) && e.status == status)
            .forEach(found::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return found;
  }

  private static Path folder(String version) {
    try {
      return Path.of(Exchange.class.getResource("/io/meshnative/fixtures/" + version).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Exchange read(Path file) {
    String method = "";
    String path = "";
    int status = 0;
    Headers.Builder headers = new Headers.Builder();
    ByteString body = ByteString.EMPTY;
    try (JsonReader reader = JsonReader.of(new Buffer().write(Files.readAllBytes(file)))) {
      reader.beginObject();
      while (reader.hasNext()) {
        switch (reader.nextName()) {
          case "request" -> {
            reader.beginObject();
            while (reader.hasNext()) {
              switch (reader.nextName()) {
                case "method" -> method = reader.nextString();
                case "path" -> path = reader.nextString();
                default -> reader.skipValue();
              }
            }
            reader.endObject();
          }
          case "status" -> status = reader.nextInt();
          case "headers" -> {
            reader.beginObject();
            while (reader.hasNext()) {
              headers.add(reader.nextName(), reader.nextString());
            }
            reader.endObject();
          }
          case "body" -> {
            if (reader.peek() == JsonReader.Token.STRING) {
              body = ByteString.encodeUtf8(reader.nextString());
            } else {
              try (okio.BufferedSource source = reader.nextSource()) {
                body = source.readByteString();
              }
            }
          }
          default -> reader.skipValue();
        }
      }
      reader.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Exchange(
        file.getParent().getFileName() + "/" + file.getFileName(),
        method,
        path,
        status,
        headers.build(),
        body);
  }

  Answer answer() {
    return answer(headers, body.utf8());
  }

  static Answer answer(String body) {
    return answer(Headers.of("X-Consul-Index", "7"), body);
  }

  static Answer answer(Headers headers, String body) {
    Buffer buffer = new Buffer().writeUtf8(body);
    return Answer.of(headers, buffer, buffer.snapshot().sha256());
  }

  MockResponse response() {
    return new MockResponse.Builder().code(status).headers(headers).body(body.utf8()).build();
  }

  /** The body as maps and lists, read by another parser's eyes than the ones under test. */
  Object tree() {
    try {
      return new Moshi.Builder().build().adapter(Object.class).fromJson(body.utf8());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked")
  Map<String, Object> object() {
    return (Map<String, Object>) tree();
  }

  @Override
  public String toString() {
    return name;
  }
}
