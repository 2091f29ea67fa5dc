package io.meshnative.tests;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/**
 * A connection on which HTTP/1.1 is written byte by byte, so that nothing tidies a request up, and
 * answers are read as they come.
 */
final class RawHttp implements AutoCloseable {
  /**
   * An answer.
   *
   * @param headers names in lower case
   * @param body decoded if it came in chunks, as ISO 8859-1
   */
  record Answer(int status, Map<String, List<String>> headers, String body) {
    /** The only line of a header, empty if there is none. */
    String header(String name) {
      return String.join(",", headers.getOrDefault(name, List.of()));
    }
  }

  private final SSLSocket socket;
  private final InputStream in;

  RawHttp(SSLSocket socket) throws IOException {
    this.socket = socket;
    this.in = new BufferedInputStream(socket.getInputStream());
  }

  SSLSocket socket() {
    return socket;
  }

  /** Sends characters as the bytes of ISO 8859-1 that they are. */
  RawHttp send(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    socket.getOutputStream().flush();
    return this;
  }

  /** Sends a request without body: the line, a Host and these header lines. */
  RawHttp request(String method, String target, String... headers) throws IOException {
    StringBuilder text = new StringBuilder(method).append(' ').append(target);
    text.append(" HTTP/1.1\r\nHost: api\r\n");
    for (String header : headers) {
      text.append(header).append("\r\n");
    }
    return send(text.append("\r\n").toString());
  }

  /** Sends such a request and reads its answer. */
  Answer ask(String method, String target, String... headers) throws IOException {
    request(method, target, headers);
    return read(method);
  }

  /** Reads the next final answer to a request that is not HEAD. */
  Answer read() throws IOException {
    return read("GET");
  }

  /** Reads the next final answer; those of 1xx are passed over. */
  Answer read(String method) throws IOException {
    while (true) {
      int status = status();
      Map<String, List<String>> headers = headers();
      if (status >= 200) {
        boolean bodyless = method.equals("HEAD") || status == 204 || status == 304;
        return new Answer(status, headers, bodyless ? "" : body(headers));
      }
      if (status == 101) {
        return new Answer(status, headers, "");
      }
    }
  }

  /** Reads the status line of an answer. */
  int status() throws IOException {
    String line = line();
    if (!line.matches("HTTP/1\\.[01] \\d\\d\\d( .*)?")) {
      throw new IOException("expected a status line, found " + line);
    }
    return Integer.parseInt(line.substring(9, 12));
  }

  /** Reads the header lines of an answer. */
  Map<String, List<String>> headers() throws IOException {
    Map<String, List<String>> headers = new TreeMap<>();
    for (String line = line(); !line.isEmpty(); line = line()) {
      int colon = line.indexOf(':');
      headers
          .computeIfAbsent(
              line.substring(0, colon).toLowerCase(Locale.ROOT), n -> new ArrayList<>())
          .add(line.substring(colon + 1).trim());
    }
    return headers;
  }

  private String body(Map<String, List<String>> headers) throws IOException {
    if (headers.getOrDefault("transfer-encoding", List.of()).contains("chunked")) {
      StringBuilder body = new StringBuilder();
      for (String chunk = chunk(); !chunk.isEmpty(); chunk = chunk()) {
        body.append(chunk);
      }
      return body.toString();
    }
    List<String> length = headers.get("content-length");
    return length == null
        ? new String(in.readAllBytes(), StandardCharsets.ISO_8859_1)
        : text(Integer.parseInt(length.get(0)));
  }

  /** Reads the next chunk of an answer in chunks; the last one is empty. */
  String chunk() throws IOException {
    String chunk = text(Integer.parseInt(line(), 16));
    String end = line();
    if (!end.isEmpty()) {
      throw new IOException("expected the end of a chunk, found " + end);
    }
    return chunk;
  }

  private String text(int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("expected " + length + " bytes, found " + bytes.length);
    }
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int c = in.read();
      if (c < 0) {
        throw new EOFException("the connection ended after \"" + line + "\"");
      }
      if (c == '\n') {
        return line.toString().replaceFirst("\r$", "");
      }
      line.append((char) c);
    }
  }

  /** Waits for the end of the connection; returns what still came, as ISO 8859-1. */
  String rest() throws IOException {
    StringBuilder rest = new StringBuilder();
    try {
      for (int c = in.read(); c >= 0; c = in.read()) {
        rest.append((char) c);
      }
    } catch (SSLException | SocketException e) {
      // A reset or a truncation is an end too. A timeout is neither, and goes to the caller.
    }
    return rest.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // The server was faster.
    }
  }
}
