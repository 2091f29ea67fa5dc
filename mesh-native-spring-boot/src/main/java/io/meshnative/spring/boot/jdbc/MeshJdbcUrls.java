package io.meshnative.spring.boot.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.Subscription;
import io.meshnative.jdbc.MeshJdbcOptions;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.spring.boot.MeshProperties;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which of an application's database URLs lead into the mesh, and how they read then. The
 * application's client is registered for the drivers, which are made by class name, until this is
 * closed. Immutable but for that; thread-safe.
 */
final class MeshJdbcUrls implements AutoCloseable {
  private static final Pattern URL =
      Pattern.compile(
          // With what wraps a driver in front, and ways to use several servers behind.
          "(?<start>jdbc:([a-z0-9+_-]+:)*(postgresql|mysqlx?|mariadb|sqlserver)(\\+srv)?"
              + "(:[a-z0-9+_-]+)*://)(?<authority>[^/?;]*)"
              + "(?<rest>.*)",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);
  private static final Pattern HOST_AND_PORT = Pattern.compile("(?<host>[^:]+)(?<port>:[0-9]+)?");
  private static final Pattern BETWEEN_HOSTS = Pattern.compile("[,:@()=\\\\{}\\s]+");
  private static final String OURS = "meshservice=";

  /** Parameters that are a host to some driver, whatever stands in front of the parameters. */
  private static final Pattern HOST_PARAMETER =
      Pattern.compile(
          "[?;&](pghost|host|hostaddr|server|servername|failoverpartner|address)=(?<value>[^;&]*)",
          Pattern.CASE_INSENSITIVE);

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
    String rest = parts.group("rest");
    return rest.toLowerCase(Locale.ROOT).contains(OURS)
        || namesMeshHost(parts.group("authority"))
        || HOST_PARAMETER.matcher(rest).results().anyMatch(found -> namesMeshHost(found.group(2)));
  }

  /** As it stands, and as a driver reads it that knows escapes. */
  private boolean namesMeshHost(String hosts) {
    return Stream.of(hosts, decoded(hosts))
        .flatMap(BETWEEN_HOSTS::splitAsStream)
        .anyMatch(this::isMeshHost);
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
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
    String authority =
        Arrays.stream(parts.group("authority").split(",", -1))
            .map(this::hostWithoutSuffix)
            .collect(Collectors.joining(","));
    return parts.group("start") + authority + parts.group("rest");
  }

  private String hostWithoutSuffix(String hostAndPort) {
    Matcher one = HOST_AND_PORT.matcher(hostAndPort);
    if (!one.matches() || !endsInSuffix(one.group("host"))) {
      return hostAndPort;
    }
    String host = withoutDot(one.group("host"));
    String port = one.group("port");
    return host.substring(0, host.length() - client.hostSuffix().length())
        + (port == null ? "" : port);
  }

  private boolean isMeshHost(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    return endsInSuffix(lower)
        || (client.consulNames()
            && lower.matches(".+\\.(virtual|service(\\.[a-z0-9-]+)?)\\.consul\\.?"));
  }

  private boolean endsInSuffix(String written) {
    String host = withoutDot(written);
    String suffix = client.hostSuffix().toLowerCase(Locale.ROOT);
    return host.length() > suffix.length() && host.toLowerCase(Locale.ROOT).endsWith(suffix);
  }

  /** DNS knows a name with a dot at its end as the same name. */
  private static String withoutDot(String host) {
    return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
  }

  @Override
  public void close() {
    registered.close();
  }
}
