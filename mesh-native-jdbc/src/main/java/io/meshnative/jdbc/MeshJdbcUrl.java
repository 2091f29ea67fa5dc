package io.meshnative.jdbc;

import io.meshnative.discovery.Destination;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Turns the URL of a database into one that reaches it through the mesh:
 *
 * <pre>{@code
 * MeshJdbcUrl.rewrite("jdbc:postgresql://orders-db/app?user=app")
 *
 * jdbc:postgresql://localhost/app?user=app&cancelSignalTimeout=2&channelBinding=disable
 *     &sslmode=disable&gssEncMode=disable
 *     &socketFactory=io.meshnative.jdbc.PostgresSocketFactory&meshService=orders-db
 * }</pre>
 *
 * <p>The host of the URL names a service of the mesh: {@code orders-db}, {@code orders-db.mesh},
 * {@code orders-db.service.consul}, {@code orders-db.virtual.consul} or {@code
 * orders-db.service.dc2.consul}. What comes out has the host {@code localhost}: some drivers look a
 * host up in DNS before they ask for a socket, and should a parameter get lost later, whatever is
 * spoken in plain text is spoken to this machine. The driver's own TLS is off in the driver's own
 * spelling, for the mesh encrypts and proves the peer already.
 *
 * <p>Whoever asked for something else is told so, instead of being overruled: a URL that names
 * another socket factory, switches TLS on, or has a second way to name a host is refused, with both
 * values. Parameters that concern none of this stay as they are, in their order. Rewriting twice
 * gives the same as once.
 *
 * <p>A URL of PostgreSQL may name several services, if that is said to be meant: {@code
 * jdbc:postgresql://orders-a,orders-b/app?targetServerType=primary&meshMultiHost=true}. What comes
 * out has a port of this machine for each, by which the driver tells them apart; nobody dials it.
 * Where one service has several endpoints there is no need: the mesh chooses a healthy one.
 *
 * <p>Pure functions: no driver needs to be there, nothing is looked up. Thread-safe.
 */
public final class MeshJdbcUrl {
  private static final Pattern ADDRESS = Pattern.compile("[0-9.]+");
  private static final Pattern CONSUL_NAME =
      Pattern.compile(
          "(?<service>[a-z0-9-]+)(\\.mesh|\\.virtual\\.consul|\\.service(\\.(?<dc>[a-z0-9-]+))?\\.consul)\\.?");
  private static final String LOOPBACK = "localhost";

  private MeshJdbcUrl() {}

  /**
   * Rewrites a URL that says all.
   *
   * @param url a URL of PostgreSQL, MySQL, MariaDB or SQL Server whose host is a service
   * @return the URL for the driver
   * @throws IllegalArgumentException if the URL cannot be read without doubt, or says something
   *     that does not go together with the mesh; the message names what, and no password
   */
  public static String rewrite(String url) {
    return rewrite(url, MeshJdbcOptions.defaults());
  }

  /**
   * Rewrites a URL.
   *
   * @param url a URL of PostgreSQL, MySQL, MariaDB or SQL Server whose host is a service, or is
   *     {@code localhost} where the service is named otherwise
   * @param options what is not in the URL
   * @return the URL for the driver
   * @throws IllegalArgumentException if the URL cannot be read without doubt, or says something
   *     that does not go together with the mesh or the options; the message names both values, and
   *     no password
   */
  public static String rewrite(String url, MeshJdbcOptions options) {
    return rewritten(DriverUrl.parse(url), options).text();
  }

  /** The target of a URL, rewritten or not. */
  static MeshTarget target(String url, MeshJdbcOptions options) {
    return target(DriverUrl.parse(url), options);
  }

  /**
   * Checks properties that are given beside a URL: to some drivers they count more than the URL.
   *
   * @throws IllegalArgumentException if one of them contradicts what {@link #rewrite} writes
   */
  static void checkProperties(String rewritten, Map<String, String> properties) {
    DriverUrl url = DriverUrl.parse(rewritten);
    properties.forEach((name, value) -> {
      String inUrl = url.value(name);
      boolean ours =
          MeshTarget.isOurs(name)
              || url.dialect().isSame(name, url.dialect().factoryParameter)
              || url.dialect().isSame(name, "socketFactoryArg")
              || url.dialect().isSame(name, Dialect.ARGUMENT);
      if (ours && !value.equals(inUrl)) {
        throw conflict(name + "=" + inUrl, DriverUrl.shown(name, value));
      }
      checkParameter(url.dialect(), name, value);
    });
  }

  private static DriverUrl rewritten(DriverUrl url, MeshJdbcOptions options) {
    Dialect dialect = url.dialect();
    MeshTarget target = target(url, options);
    Map<String, @Nullable String> written = new LinkedHashMap<>();
    url.parameters()
        .forEach((name, raw) -> {
          String value = dialect.decode(raw == null ? "" : raw);
          checkParameter(dialect, name, value);
          if (!isWritten(dialect, name)) {
            written.put(name, raw);
          }
        });
    dialect.defaults.forEach((name, value) -> {
      if (url.value(name) == null) {
        written.put(name, value);
      }
    });
    dialect.required.forEach((name, accepted) -> written.put(name, accepted.get(0)));
    written.put(dialect.factoryParameter, dialect.factory);
    if (dialect == Dialect.SQL_SERVER) {
      written.put(Dialect.ARGUMENT, target.argument());
    } else {
      written.putAll(target.parameters());
    }
    String host =
        target.isOne()
            ? LOOPBACK
            : target.ports().keySet().stream()
                .map(port -> LOOPBACK + ":" + port)
                .collect(Collectors.joining(","));
    return new DriverUrl(dialect, host, url.port(), url.path(), written);
  }

  /** Whether the rewrite writes a parameter itself, at the end. */
  private static boolean isWritten(Dialect dialect, String name) {
    return MeshTarget.isOurs(name)
        || dialect.isSame(name, dialect.factoryParameter)
        || (dialect == Dialect.SQL_SERVER && dialect.isSame(name, Dialect.ARGUMENT))
        || (dialect == Dialect.POSTGRESQL && dialect.isSame(name, "socketFactoryArg"))
        || dialect.required.keySet().stream().anyMatch(one -> dialect.isSame(one, name));
  }

  /** Refuses what would lead past the mesh, or does not work behind it. */
  private static void checkParameter(Dialect dialect, String name, String value) {
    MeshTarget.requireKnown(name);
    if (dialect.isSame(name, dialect.factoryParameter) && !value.equals(dialect.factory)) {
      throw conflict(
          dialect.factoryParameter + "=" + dialect.factory, DriverUrl.shown(name, value));
    }
    for (Map.Entry<String, List<String>> required : dialect.required.entrySet()) {
      if (dialect.isSame(name, required.getKey())) {
        if (!name.equals(required.getKey()) && dialect == Dialect.POSTGRESQL) {
          throw conflict(required.getKey(), name + ", which the driver does not know");
        }
        if (required.getValue().stream().noneMatch(value::equalsIgnoreCase)) {
          throw conflict(
              required.getKey() + "=" + required.getValue().get(0), DriverUrl.shown(name, value));
        }
        return;
      }
    }
    for (Map.Entry<String, Set<String>> forbidden : dialect.forbidden.entrySet()) {
      if (dialect.isSame(name, forbidden.getKey())) {
        if (forbidden.getValue().stream().noneMatch(value::equalsIgnoreCase)) {
          throw conflict(
              forbidden.getValue().isEmpty()
                  ? "no parameter " + forbidden.getKey()
                  : forbidden.getKey() + "=" + String.join(" or ", forbidden.getValue()),
              DriverUrl.shown(name, value));
        }
        return;
      }
    }
    if (Dialect.isAboutTls(name)) {
      throw conflict(
          dialect.required.keySet().iterator().next()
              + "="
              + dialect.required.values().iterator().next().get(0),
          DriverUrl.shown(name, value));
    }
  }

  private static IllegalArgumentException conflict(String expected, String found) {
    return new IllegalArgumentException(
        "expected "
            + expected
            + " for a database in the mesh, which encrypts and finds the endpoint, found "
            + found
            + "; take it out");
  }

  private static MeshTarget target(DriverUrl url, MeshJdbcOptions options) {
    Map<String, String> said = new LinkedHashMap<>();
    List<String> where = new ArrayList<>();
    hosts(url, said, where);
    url.parameters()
        .forEach((name, raw) -> {
          MeshTarget.requireKnown(name);
          if (MeshTarget.NAMES.contains(name)) {
            say(said, name, url.dialect().decode(raw == null ? "" : raw), "the URL");
          }
        });
    String argument =
        url.dialect() == Dialect.SQL_SERVER
            ? url.value(Dialect.ARGUMENT)
            : url.dialect() == Dialect.POSTGRESQL ? url.value("socketFactoryArg") : null;
    if (argument != null) {
      MeshTarget.parameters(argument)
          .forEach((name, value) -> say(said, name, value, "the factory's argument"));
    }
    each(options, (name, value) -> say(said, name, value, "the options"));
    if (!said.containsKey(MeshTarget.SERVICE)) {
      throw new IllegalArgumentException(
          "expected a service of the mesh as the host of the URL, or meshService, found "
              + (where.isEmpty() ? "no host" : where.get(0)));
    }
    MeshTarget target =
        url.dialect() == Dialect.POSTGRESQL ? MeshTarget.ofSeveral(said) : MeshTarget.of(said);
    int hosts = url.host().split(",").length;
    if (hosts > 1 && hosts != target.destinations().size()) {
      throw new IllegalArgumentException(
          "expected as many services as hosts, found the hosts "
              + url.host()
              + ", and "
              + target.shown());
    }
    return target;
  }

  /** What the hosts say; loopback is what we write ourselves, and says nothing. */
  private static void hosts(DriverUrl url, Map<String, String> said, List<String> where) {
    Set<String> datacenters = new TreeSet<>();
    List<String> services = new ArrayList<>();
    String[] hosts = url.host().split(",");
    for (String host : hosts) {
      if (host.isEmpty() || host.equalsIgnoreCase(LOOPBACK)) {
        where.add(host.isEmpty() ? "no host" : LOOPBACK);
      } else {
        services.add(service(host, datacenters));
      }
    }
    if (services.isEmpty()) {
      return;
    }
    if (services.size() < hosts.length || datacenters.size() > 1) {
      throw new IllegalArgumentException(
          "expected services of one datacenter as the hosts of the URL, found " + url.host());
    }
    said.put(MeshTarget.SERVICE, String.join(",", services));
    datacenters.stream()
        .filter(name -> !name.isEmpty())
        .forEach(name -> said.put(MeshTarget.DATACENTER, name));
  }

  /** The service that a host names; adds the datacenter that it says, or an empty one. */
  private static String service(String written, Set<String> datacenters) {
    String host = written.toLowerCase(Locale.ROOT);
    if (ADDRESS.matcher(host).matches()) {
      throw new IllegalArgumentException(
          "expected a service of the mesh as the host of the URL, found the address " + host);
    }
    var consul = CONSUL_NAME.matcher(host);
    if (consul.matches()) {
      datacenters.add(Optional.ofNullable(consul.group("dc")).orElse(""));
      return consul.group("service");
    }
    if (host.indexOf('.') >= 0) {
      throw new IllegalArgumentException(
          "expected a service of the mesh as the host of the URL, such as db, db.mesh or"
              + " db.service.consul, found "
              + host
              + "; if a service has that name, say meshService="
              + host
              + " with the host localhost");
    }
    datacenters.add("");
    return Destination.parse(written).service();
  }

  private interface Sayer {
    void say(String name, String value);
  }

  private static void each(MeshJdbcOptions options, Sayer sayer) {
    options.service().ifPresent(value -> sayer.say(MeshTarget.SERVICE, value));
    options.client().ifPresent(value -> sayer.say(MeshTarget.CLIENT, value));
    options.datacenter().ifPresent(value -> sayer.say(MeshTarget.DATACENTER, value));
    options.namespace().ifPresent(value -> sayer.say(MeshTarget.NAMESPACE, value));
    options.partition().ifPresent(value -> sayer.say(MeshTarget.PARTITION, value));
    options.sticky().ifPresent(value -> sayer.say(MeshTarget.STICKY, value.toString()));
    options.multiHost().ifPresent(value -> sayer.say(MeshTarget.MULTI_HOST, value.toString()));
  }

  private static void say(Map<String, String> said, String name, String value, String where) {
    String before = said.putIfAbsent(name, value);
    if (before != null && !before.equals(value)) {
      throw new IllegalArgumentException(
          "expected one value of "
              + name
              + ", found "
              + before
              + " in the URL, and "
              + value
              + " in "
              + where);
    }
  }
}
