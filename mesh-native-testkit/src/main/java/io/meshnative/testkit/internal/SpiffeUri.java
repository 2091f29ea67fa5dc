package io.meshnative.testkit.internal;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code authorize} reads from a client's URI, with the leniency of the real one: the trust
 * domain, the datacenter and the query are not looked at (e.7).
 */
record SpiffeUri(String namespace, String service) {
  private static final Pattern SHAPE = Pattern.compile("spiffe://([^/?#]*)([^?#]*)(?:[?#].*)?");
  private static final Pattern SERVICE = Pattern.compile("/ns/([^/]+)/dc/([^/]+)/svc/([^/]+)");
  private static final Pattern AGENT = Pattern.compile("/agent/client/dc/([^/]+)/id/([^/]+)");

  static SpiffeUri ofService(String uri) {
    Matcher shape = SHAPE.matcher(uri);
    if (!shape.matches()) {
      throw ApiError.badRequest("ClientCertURI not a valid Connect identifier");
    }
    String path = shape.group(2);
    Matcher service = SERVICE.matcher(path);
    if (service.matches()) {
      return new SpiffeUri(decode(service.group(1)), decode(service.group(3)));
    }
    boolean signing = path.isEmpty() && shape.group(1).contains(".");
    if (signing || AGENT.matcher(path).matches()) {
      throw ApiError.badRequest("ClientCertURI not a valid Service identifier");
    }
    throw ApiError.badRequest("ClientCertURI not a valid Connect identifier");
  }

  private static String decode(String segment) {
    try {
      return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiError.badRequest("ClientCertURI not a valid Connect identifier");
    }
  }
}
