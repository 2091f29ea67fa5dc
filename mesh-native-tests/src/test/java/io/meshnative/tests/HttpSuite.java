package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.util.List;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** One server of one adapter for all tests of a class; each test sets the rules that it needs. */
@Timeout(600)
@ExtendWith(Quiet.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HttpSuite {
  /** What a connection that ended without an answer gave. */
  static final int CLOSED = 0;

  static final String ALLOW_ALL = allow("\"PathPrefix\":\"/\"");

  private final HttpServerKind kind;
  private final TlsKind tls;
  HttpWorld world;

  HttpSuite(HttpServerKind kind, TlsKind tls) {
    this.kind = kind;
    this.tls = tls;
  }

  @BeforeAll
  void start() throws Exception {
    world = new HttpWorld(kind, tls);
  }

  @BeforeEach
  void forget() {
    world.application.forget();
  }

  @AfterAll
  void stop() throws Exception {
    world.close();
  }

  static String allow(String http) {
    return "{\"Action\":\"allow\",\"HTTP\":{" + http + "}}";
  }

  static String deny(String http) {
    return "{\"Action\":\"deny\",\"HTTP\":{" + http + "}}";
  }

  /** A condition on headers, from Consul's JSON without the braces. */
  static String header(String condition) {
    return "\"PathPrefix\":\"/\",\"Header\":[{" + condition + "}]";
  }

  /** Sends bytes as web on a connection of its own; returns the status of the answer. */
  int status(String raw) throws IOException {
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      return status(web, raw);
    }
  }

  /** Sends bytes; returns the status of the answer, or that there was none. */
  static int status(RawHttp connection, String raw) throws IOException {
    try {
      return connection.send(raw).read().status();
    } catch (EOFException | SSLException | SocketException e) {
      return CLOSED;
    }
  }

  /** Asks for a target as web on a connection of its own, with these header lines. */
  int get(String target, String... headers) throws IOException {
    StringBuilder raw = new StringBuilder("GET " + target + " HTTP/1.1\r\nHost: api\r\n");
    for (String header : headers) {
      raw.append(header).append("\r\n");
    }
    return status(raw.append("\r\n").toString());
  }

  List<RecordingApplication.Seen> seen() {
    return world.application.seen();
  }

  void assertNothingSeen() {
    assertThat(seen()).as("what reached the application").isEmpty();
  }

  /** The application saw one request, on this path. */
  RecordingApplication.Seen onlySeen(String path) {
    assertThat(seen()).extracting(RecordingApplication.Seen::path).containsExactly(path);
    return seen().get(0);
  }
}
