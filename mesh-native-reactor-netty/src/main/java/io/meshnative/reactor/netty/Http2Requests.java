package io.meshnative.reactor.netty;

import io.meshnative.IdentityHeaders;
import io.meshnative.intention.MalformedRequestException;
import io.netty.handler.codec.http2.Http2Headers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How requests of HTTP/2 are read, as Netty's codec has left them. */
final class Http2Requests {
  private static final String HOST = "host";

  private Http2Requests() {}

  /**
   * What is to be judged; what claims an identity is taken out of the request, and so is a {@code
   * host} beside {@code :authority}, which has to agree with it.
   *
   * @throws MalformedRequestException if a pseudo-header is missing or repeated, or if the path is
   *     none (T33)
   */
  static WireRequest read(Http2Headers fields) throws MalformedRequestException {
    strip(fields);
    Map<String, List<String>> pseudo = new LinkedHashMap<>();
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (Map.Entry<CharSequence, CharSequence> field : fields) {
      String name = field.getKey().toString();
      (name.startsWith(":") ? pseudo : headers)
          .computeIfAbsent(name, key -> new ArrayList<>(1))
          .add(field.getValue().toString());
    }
    String method = only(pseudo, ":method");
    String path = only(pseudo, ":path");
    only(pseudo, ":scheme");
    if (!path.startsWith("/")) {
      throw new MalformedRequestException("expected a :path that begins with /, found another");
    }
    List<String> hosts = pseudo.getOrDefault(":authority", headers.getOrDefault(HOST, List.of()));
    if (pseudo.containsKey(":authority")) {
      fields.remove(HOST);
    }
    return new WireRequest(method, path, hosts, headers);
  }

  private static String only(Map<String, List<String>> pseudo, String name)
      throws MalformedRequestException {
    List<String> values = pseudo.getOrDefault(name, List.of());
    if (values.size() != 1) {
      throw new MalformedRequestException("expected one " + name + ", found " + values.size());
    }
    return values.get(0);
  }

  static void strip(Http2Headers fields) {
    List<CharSequence> claims = new ArrayList<>(0);
    for (CharSequence name : fields.names()) {
      if (IdentityHeaders.contains(name.toString())) {
        claims.add(name);
      }
    }
    claims.forEach(fields::remove);
  }
}
