package io.meshnative.grpc;

import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.discovery.Destination;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a target such as {@code mesh:///orders} or {@code mesh://shop/orders?dc=dc2} says.
 *
 * @param client the name of the client in {@link MeshClients}; null for the only one
 * @param destination the service to call
 */
record MeshTarget(@Nullable String client, Destination destination) {
  static final String SCHEME = "mesh";
  private static final Set<String> PARTS = Set.of("ns", "ap", "dc");

  /** Reads a target, or says what is wrong with it. */
  static MeshTarget parse(String target) {
    try {
      if (target.indexOf('%') >= 0) {
        // No name that may stand here needs it, and what it hides would be read as its like.
        throw unusable(target, "an encoded letter");
      }
      URI uri = new URI(target);
      String path = uri.getPath();
      if (!SCHEME.equals(uri.getScheme())
          || path == null
          || !path.startsWith("/")
          || uri.getFragment() != null) {
        throw unusable(target, "no service name behind mesh:///");
      }
      Destination.Builder destination = Destination.builder(path.substring(1));
      Map<String, String> parts = parts(target, uri.getQuery());
      parts.forEach((part, value) -> {
        switch (part) {
          case "ns" -> destination.namespace(value);
          case "ap" -> destination.partition(value);
          default -> destination.datacenter(value);
        }
      });
      String client = uri.getAuthority();
      return new MeshTarget(
          client == null || client.isEmpty() ? null : client, destination.build());
    } catch (URISyntaxException e) {
      throw unusable(target, "a text that is no URI at position " + e.getIndex());
    }
  }

  private static Map<String, String> parts(String target, @Nullable String query) {
    Map<String, String> parts = new LinkedHashMap<>();
    if (query == null) {
      return parts;
    }
    for (String pair : query.split("&", -1)) {
      int equals = pair.indexOf('=');
      String part = equals < 0 ? pair : pair.substring(0, equals);
      if (equals < 0
          || !PARTS.contains(part)
          || parts.put(part, pair.substring(equals + 1)) != null) {
        throw unusable(target, "a query of other things than ns, ap and dc, each once");
      }
    }
    return parts;
  }

  private static IllegalArgumentException unusable(String target, String found) {
    String shown =
        target
            .codePoints()
            .filter(c -> c >= ' ' && c < 127)
            .limit(128)
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return new IllegalArgumentException(
        "expected a target such as mesh:///orders, mesh://client/orders or mesh:///orders?dc=dc2,"
            + " found "
            + found
            + " in \""
            + shown
            + "\"");
  }

  /** The target that {@link #parse} reads as this one. */
  static String text(@Nullable String client, Destination destination) {
    StringBuilder text =
        new StringBuilder("mesh://")
            .append(client == null ? "" : client)
            .append('/')
            .append(destination.service());
    String separator = "?";
    if (!destination.namespace().equals("default")) {
      text.append(separator).append("ns=").append(destination.namespace());
      separator = "&";
    }
    if (!destination.partition().equals("default")) {
      text.append(separator).append("ap=").append(destination.partition());
      separator = "&";
    }
    if (destination.datacenter().isPresent()) {
      text.append(separator).append("dc=").append(destination.datacenter().get());
    }
    return text.toString();
  }

  /** The client that the target names. */
  MeshClient find() {
    String name = client;
    if (name == null) {
      return MeshClients.only();
    }
    return MeshClients.find(name)
        .orElseThrow(() ->
            new IllegalStateException(
                "expected a mesh client named \""
                    + name
                    + "\" for the target "
                    + text(name, destination)
                    + ", found none; call MeshClients.register(name, client) first"));
  }
}
