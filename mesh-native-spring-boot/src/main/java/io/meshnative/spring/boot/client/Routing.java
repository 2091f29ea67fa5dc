package io.meshnative.spring.boot.client;

import io.meshnative.okhttp.MeshHosts;
import java.net.IDN;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * Tells requests into the mesh from all others, by the parser that will route them: {@link URI}
 * knows no host where one holds an underscore or an escape, and other clients read further names
 * out of it. What another parser could read as a mesh host, and ours does not, goes nowhere: it
 * would leave through DNS.
 *
 * @param hosts which hosts are in the mesh
 */
record Routing(MeshHosts hosts) {
  /** As deep as anybody would unescape. */
  private static final int ESCAPES = 3;

  private static final Pattern PORT = Pattern.compile(":[^:\\]]*$");
  private static final Pattern DELIMITERS = Pattern.compile("[/\\\\?#@:\\p{Cntrl}]");
  private static final Pattern DOTS = Pattern.compile("[\u3002\uFF0E\uFF61]");

  /** Names are looked up as if these were not there. */
  private static final Pattern IGNORABLE = Pattern.compile("[\\p{Cf}\uFE00-\uFE0F\u034F\\s]");

  /**
   * Whether the mesh makes a request.
   *
   * @throws UnknownHostException if nobody may make it
   */
  boolean intoMesh(URI uri) throws UnknownHostException {
    HttpUrl url = HttpUrl.get(uri);
    if (url != null) {
      if (hosts.destination(url.host()).isPresent()) {
        return true;
      }
      if (url.host().equalsIgnoreCase(uri.getHost())) {
        return false; // as nearly always: the two parsers agree
      }
    }
    for (String reading : readings(uri.getRawAuthority())) {
      if (isMesh(reading)) {
        throw new UnknownHostException(
            "expected an http or https URL whose host is plainly inside or outside the mesh, found"
                + " one with the scheme "
                + uri.getScheme()
                + " whose host may be read as \""
                + reading
                + "\"; it is not looked up anywhere");
      }
    }
    return false;
  }

  private boolean isMesh(String name) {
    try {
      return hosts.destination(name).isPresent();
    } catch (UnknownHostException e) {
      return true; // a name in the mesh, though of no service
    }
  }

  /** What parsers could take for the host. What stands before the first {@code @} is a secret. */
  private static Set<String> readings(@Nullable String authority) {
    Set<String> readings = new LinkedHashSet<>();
    if (authority == null) {
      return readings;
    }
    String shown = authority.substring(authority.indexOf('@') + 1);
    for (String part : shown.split("@", -1)) {
      String text = PORT.matcher(part).replaceFirst("");
      for (int depth = 0; depth <= ESCAPES; depth++) {
        DELIMITERS.splitAsStream(text).map(Routing::folded).forEach(readings::add);
        Optional<String> unescaped = unescaped(text);
        if (unescaped.isEmpty()) {
          break;
        }
        text = unescaped.get();
      }
    }
    return readings;
  }

  /** As those fold names who make ASCII of them, and as those who do not see to it. */
  private static String folded(String name) {
    String plain =
        IGNORABLE.matcher(Normalizer.normalize(name, Normalizer.Form.NFKC)).replaceAll("");
    String dotted = DOTS.matcher(plain).replaceAll(".").toLowerCase(Locale.ROOT);
    try {
      String ascii = IDN.toASCII(dotted, IDN.ALLOW_UNASSIGNED);
      return ascii.isEmpty() ? dotted : ascii.toLowerCase(Locale.ROOT);
    } catch (IllegalArgumentException e) {
      return dotted;
    }
  }

  /** Empty if there is nothing to unescape, or not in a way that anybody could. */
  private static Optional<String> unescaped(String text) {
    if (text.indexOf('%') < 0) {
      return Optional.empty();
    }
    try {
      String plain = text.replace("+", "%2B");
      return Optional.of(URLDecoder.decode(plain, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
