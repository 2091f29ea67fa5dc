package io.meshnative.httpserver;

import com.sun.net.httpserver.Headers;
import java.util.List;
import java.util.Optional;

/**
 * Refuses what the JDK's server takes though two readers could see two messages in it (T39): it
 * looks at no version, and reads a length as {@link Long#parseLong} does, so {@code +5} too.
 */
final class Framing {
  private Framing() {}

  /** Says what is wrong with the framing of a request, if anything is. */
  static Optional<String> defect(String protocol, Headers headers) {
    boolean http10 = protocol.equals("HTTP/1.0");
    if (!http10 && !protocol.equals("HTTP/1.1")) {
      return Optional.of("expected HTTP/1.1 or HTTP/1.0, found another version");
    }
    List<String> codings = headers.getOrDefault("Transfer-Encoding", List.of());
    List<String> lengths = headers.getOrDefault("Content-Length", List.of());
    if (!codings.isEmpty()) {
      if (http10) {
        return Optional.of("expected no Transfer-Encoding in HTTP/1.0, found one");
      }
      if (!lengths.isEmpty()) {
        return Optional.of("expected Content-Length or Transfer-Encoding, found both");
      }
      if (codings.size() != 1 || !codings.get(0).equalsIgnoreCase("chunked")) {
        return Optional.of("expected the Transfer-Encoding chunked, found another");
      }
    }
    if (lengths.size() > 1) {
      return Optional.of("expected one Content-Length, found " + lengths.size());
    }
    if (!lengths.isEmpty() && !lengths.get(0).matches("[0-9]{1,18}")) {
      return Optional.of("expected a Content-Length of digits, found something else");
    }
    return Optional.empty();
  }
}
