package io.meshnative.spring.boot.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.Subscription;
import io.meshnative.jdbc.MeshJdbcOptions;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.spring.boot.MeshProperties;
import java.util.Arrays;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which of an application's database URLs lead into the mesh, and how they read then. The
 * application's client is registered for the drivers, which are made by class name, until this is
 * closed. Immutable but for that; thread-safe.
 */
final class MeshJdbcUrls implements AutoCloseable {
  private static final Pattern URL =
      Pattern.compile(
          "(?<start>jdbc:(postgresql|mysql|mariadb|sqlserver)(:[a-z]+)*://)(?<authority>[^/?;]*)"
              + "(?<rest>.*)",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern HOST_AND_PORT = Pattern.compile("(?<host>[^:]+)(?<port>:[0-9]+)?");
  private static final Pattern BETWEEN_HOSTS = Pattern.compile("[,:@()=\\s]+");
  private static final String OURS = "meshservice=";

  private final MeshClient mesh;
  private final MeshProperties.Client client;
  private final String name;
  private final Subscription registered;

  MeshJdbcUrls(MeshClient mesh, MeshProperties.Client client) {
    this.mesh = mesh;
    this.client = client;
    // Two contexts of one process may be the same service, as in tests.
    this.name = "spring-" + UUID.randomUUID();
    this.registered = MeshClients.register(name, mesh);
  }

  MeshClient mesh() {
    return mesh;
  }

  /**
   * Whether a URL names a mesh host anywhere among its hosts, or says {@code meshService}. More
   * than can be rewritten: what cannot be is then refused, instead of being dialled in plain text.
   */
  boolean isMesh(String url) {
    Matcher parts = URL.matcher(url);
    if (!parts.matches()) {
      return false;
    }
    return parts.group("rest").toLowerCase(Locale.ROOT).contains(OURS)
        || Arrays.stream(BETWEEN_HOSTS.split(parts.group("authority"))).anyMatch(this::isMeshHost);
  }

  /**
   * Rewrites a URL that {@link #isMesh}.
   *
   * @throws MeshDataSourceUrlException if it does not go together with the mesh
   */
  String rewrite(String url) {
    boolean says = url.toLowerCase(Locale.ROOT).contains("meshclient=");
    MeshJdbcOptions options = MeshJdbcOptions.defaults();
    try {
      return MeshJdbcUrl.rewrite(withoutSuffix(url), says ? options : options.withClient(name));
    } catch (IllegalArgumentException e) {
      throw new MeshDataSourceUrlException(e);
    }
  }

  /** The rewriter knows {@code .mesh}, not the application's own suffix. */
  private String withoutSuffix(String url) {
    Matcher parts = URL.matcher(url);
    if (!parts.matches()) {
      return url;
    }
    Matcher one = HOST_AND_PORT.matcher(parts.group("authority"));
    if (!one.matches() || !endsInSuffix(one.group("host"))) {
      return url;
    }
    String host = one.group("host");
    String port = one.group("port");
    return parts.group("start")
        + host.substring(0, host.length() - client.hostSuffix().length())
        + (port == null ? "" : port)
        + parts.group("rest");
  }

  private boolean isMeshHost(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    return endsInSuffix(lower)
        || (client.consulNames()
            && lower.matches(".+\\.(virtual|service(\\.[a-z0-9-]+)?)\\.consul\\.?"));
  }

  private boolean endsInSuffix(String host) {
    String suffix = client.hostSuffix().toLowerCase(Locale.ROOT);
    return host.length() > suffix.length() && host.toLowerCase(Locale.ROOT).endsWith(suffix);
  }

  @Override
  public void close() {
    registered.close();
  }
}
