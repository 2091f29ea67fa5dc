package io.meshnative.reactor.netty;

import io.meshnative.IdentityHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How requests of HTTP/1.1 are read, as Netty's codec has left them. */
final class Http1Requests {
  private static final int BAD_REQUEST = 400;
  private static final int URI_TOO_LONG = 414;
  private static final int HEADERS_TOO_LARGE = 431;

  private Http1Requests() {}

  /** Says why a message is no request that only has one reading (T39); null if it is one. */
  static Verdict.@Nullable Refused defect(HttpRequest request) {
    Throwable failure = request.decoderResult().cause();
    if (failure instanceof TooLongHttpLineException) {
      return Verdict.Refused.malformed(URI_TOO_LONG);
    }
    if (failure instanceof TooLongHttpHeaderException) {
      return Verdict.Refused.malformed(HEADERS_TOO_LARGE);
    }
    HttpVersion version = request.protocolVersion();
    boolean http10 = version.equals(HttpVersion.HTTP_1_0);
    List<String> codings = request.headers().getAll(HttpHeaderNames.TRANSFER_ENCODING);
    boolean framed =
        codings.isEmpty()
            || (!http10
                && codings.size() == 1
                && codings.get(0).equalsIgnoreCase("chunked")
                && !request.headers().contains(HttpHeaderNames.CONTENT_LENGTH));
    boolean sound = failure == null && (http10 || version.equals(HttpVersion.HTTP_1_1)) && framed;
    return sound ? null : Verdict.Refused.malformed(BAD_REQUEST);
  }

  /** What is to be judged; what claims an identity is taken out of the request. */
  static WireRequest read(HttpRequest request) {
    strip(request.headers());
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (Map.Entry<String, String> header : request.headers()) {
      headers.computeIfAbsent(header.getKey(), name -> new ArrayList<>(1)).add(header.getValue());
    }
    return new WireRequest(
        request.method().name(),
        request.uri(),
        request.headers().getAll(HttpHeaderNames.HOST),
        headers);
  }

  static void strip(HttpHeaders headers) {
    for (String name : headers.names()) {
      if (IdentityHeaders.contains(name)) {
        headers.remove(name);
      }
    }
  }

  /**
   * The same target in origin-form, once it was judged: what is routed on is then its path, however
   * the application reads a target with an authority.
   */
  static String origin(String target) {
    if (target.startsWith("/")) {
      return target;
    }
    int authority = target.indexOf("://") + 3;
    for (int at = authority; at < target.length(); at++) {
      if (target.charAt(at) == '/') {
        return target.substring(at);
      }
      if (target.charAt(at) == '?') {
        return "/" + target.substring(at);
      }
    }
    return "/";
  }
}
