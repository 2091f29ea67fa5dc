package io.meshnative.jdbc;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What is peculiar to a driver's URL: its prefix, what must be set, what must not.
 *
 * <p>{@code required} is written always, and a URL that says something else is refused; of the
 * values accepted the first is the one written. {@code defaults} are written where the URL says
 * nothing. {@code forbidden} names what would lead past the mesh or would not work behind it, with
 * the values that do no harm.
 */
enum Dialect {
  POSTGRESQL(
      "jdbc:postgresql://",
      "socketFactory",
      "io.meshnative.jdbc.PostgresSocketFactory",
      required(
          Map.entry("sslmode", List.of("disable")), Map.entry("gssEncMode", List.of("disable"))),
      // A cancel runs on a thread that serves every connection; what the tunnel ends before the
      // server cannot be bound to the login.
      defaults(Map.entry("cancelSignalTimeout", "2"), Map.entry("channelBinding", "disable")),
      Map.ofEntries(
          Map.entry("ssl", Set.of("false")),
          Map.entry("sslNegotiation", Set.of("postgres")),
          Map.entry("channelBinding", Set.of("disable", "prefer")),
          Map.entry("PGHOST", Set.of()),
          Map.entry("PGPORT", Set.of()),
          Map.entry("host", Set.of()),
          Map.entry("hostaddr", Set.of()),
          Map.entry("port", Set.of()),
          Map.entry("service", Set.of()),
          Map.entry("pgservice", Set.of()))),

  MYSQL(
      "jdbc:mysql://",
      "socketFactory",
      "io.meshnative.jdbc.MySqlSocketFactory",
      required(Map.entry("sslMode", List.of("DISABLED"))),
      defaults(),
      Map.ofEntries(
          Map.entry("useSSL", Set.of("false")),
          Map.entry("requireSSL", Set.of("false")),
          Map.entry("verifyServerCertificate", Set.of("false")),
          Map.entry("dnsSrv", Set.of("false")),
          Map.entry("permitMysqlScheme", Set.of()),
          Map.entry("propertiesTransform", Set.of()),
          Map.entry("host", Set.of()),
          Map.entry("port", Set.of()),
          Map.entry("address", Set.of()),
          Map.entry("protocol", Set.of()),
          Map.entry("path", Set.of()),
          Map.entry("namedPipePath", Set.of()),
          Map.entry("socksProxyHost", Set.of()),
          Map.entry("socksProxyPort", Set.of()),
          Map.entry("enabledTLSProtocols", Set.of()),
          Map.entry("enabledSSLCipherSuites", Set.of()))),

  MARIADB(
      "jdbc:mariadb://",
      "socketFactory",
      "io.meshnative.jdbc.MariaDbSocketFactory",
      required(
          Map.entry("sslMode", List.of("disable")),
          Map.entry("permitRedirect", List.of("false")),
          // The sign by which its cancel is told from its connection.
          Map.entry("useIpForKillQuery", List.of("true"))),
      defaults(),
      Map.ofEntries(
          Map.entry("useSsl", Set.of("false")),
          Map.entry("localSocket", Set.of()),
          Map.entry("sharedMemory", Set.of()),
          Map.entry("pipe", Set.of()),
          Map.entry("serverSslCert", Set.of()),
          Map.entry("enabledSslProtocolSuites", Set.of()),
          Map.entry("enabledSslCipherSuites", Set.of()))) {
    @Override
    String decode(String value) {
      return value;
    }
  },

  SQL_SERVER(
      "jdbc:sqlserver://",
      "socketFactoryClass",
      "io.meshnative.jdbc.SqlServerSocketFactory",
      required(Map.entry("encrypt", List.of("false", "no", "optional"))),
      // Else the driver gives its first attempt half a second, as if there were other addresses of
      // the host to try, and fails where a dial takes longer.
      defaults(Map.entry("transparentNetworkIPResolution", "false")),
      Map.ofEntries(
          Map.entry("server", Set.of()),
          Map.entry("serverName", Set.of()),
          Map.entry("port", Set.of()),
          Map.entry("portNumber", Set.of()),
          Map.entry("instanceName", Set.of()),
          Map.entry("failoverPartner", Set.of()),
          Map.entry("multiSubnetFailover", Set.of("false")),
          Map.entry("serverCertificate", Set.of()),
          Map.entry("hostNameInCertificate", Set.of()),
          Map.entry("clientCertificate", Set.of()))) {
    @Override
    String decode(String value) {
      return value.startsWith("{")
          ? value.substring(1, value.length() - 1).replace("}}", "}")
          : value.trim();
    }
  };

  /** SQL Server's only room for parameters of the mesh. */
  static final String ARGUMENT = "socketFactoryConstructorArg";

  final String prefix;
  final String factoryParameter;
  final String factory;
  final Map<String, List<String>> required;
  final Map<String, String> defaults;
  final Map<String, Set<String>> forbidden;

  Dialect(
      String prefix,
      String factoryParameter,
      String factory,
      Map<String, List<String>> required,
      Map<String, String> defaults,
      Map<String, Set<String>> forbidden) {
    this.prefix = prefix;
    this.factoryParameter = factoryParameter;
    this.factory = factory;
    this.required = required;
    this.defaults = defaults;
    this.forbidden = forbidden;
  }

  @SafeVarargs
  private static Map<String, List<String>> required(Map.Entry<String, List<String>>... entries) {
    Map<String, List<String>> ordered = new LinkedHashMap<>();
    for (Map.Entry<String, List<String>> entry : entries) {
      ordered.put(entry.getKey(), entry.getValue());
    }
    return ordered;
  }

  @SafeVarargs
  private static Map<String, String> defaults(Map.Entry<String, String>... entries) {
    Map<String, String> ordered = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : entries) {
      ordered.put(entry.getKey(), entry.getValue());
    }
    return ordered;
  }

  static Dialect of(String url) {
    for (Dialect dialect : values()) {
      if (url.startsWith(dialect.prefix)) {
        return dialect;
      }
    }
    // What it is instead stays unsaid: other drivers have passwords there.
    throw new IllegalArgumentException(
        "expected a URL that begins with jdbc:postgresql://, jdbc:mysql://, jdbc:mariadb:// or"
            + " jdbc:sqlserver://, found another one; several hosts, and what balances over them,"
            + " are the mesh's part");
  }

  /**
   * Whether two names may mean the same to the driver. All but PostgreSQL's ignore case, and there
   * two names that differ by case alone are a mistake.
   */
  boolean isSame(String one, String other) {
    return one.equalsIgnoreCase(other);
  }

  /** What a driver makes of a value as written. */
  String decode(String value) {
    return URLDecoder.decode(value, StandardCharsets.UTF_8);
  }

  boolean canDecode(String value) {
    try {
      decode(value);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Whether a name is about the driver's own TLS. */
  static boolean isAboutTls(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.startsWith("ssl")
        || lower.startsWith("tls")
        || lower.contains("truststore")
        || lower.contains("certificatekeystore");
  }
}
