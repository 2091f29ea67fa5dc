package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.discovery.Destination;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which service a connection goes to, and by which client: what the parameters {@code mesh…} of a
 * URL say, or the one argument of a socket factory, {@code db?meshClient=orders}.
 *
 * @param destinations the service, or those that a driver chooses among by itself
 * @param client the client's name; null for the only one
 * @param sticky whether to keep to one endpoint
 */
record MeshTarget(List<Destination> destinations, @Nullable String client, boolean sticky) {
  static final String SERVICE = "meshService";
  static final String CLIENT = "meshClient";
  static final String DATACENTER = "meshDatacenter";
  static final String NAMESPACE = "meshNamespace";
  static final String PARTITION = "meshPartition";
  static final String STICKY = "meshSticky";
  static final String MULTI_HOST = "meshMultiHost";
  static final Set<String> NAMES =
      Set.of(SERVICE, CLIENT, DATACENTER, NAMESPACE, PARTITION, STICKY, MULTI_HOST);

  /**
   * What needs no escape in any driver's URL, so that no two of them can read it in two ways.
   * Services are checked by {@link Destination}, which allows less.
   */
  private static final Pattern CLIENT_NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  /** Whether a parameter is one of ours, or was meant to be: then it must be spelt right. */
  static boolean isOurs(String name) {
    return name.toLowerCase(Locale.ROOT).startsWith("mesh");
  }

  /** Checks the parts. */
  MeshTarget {
    destinations = List.copyOf(destinations);
  }

  /**
   * Reads parameters; those of the driver are passed over.
   *
   * @throws IllegalArgumentException if there is no service, or there are several, or a name or a
   *     value is wrong
   */
  static MeshTarget of(Map<String, String> parameters) {
    MeshTarget target = ofSeveral(parameters);
    if (target.destinations.size() > 1) {
      throw new IllegalArgumentException(
          "expected one service for this driver, found "
              + target.shown()
              + "; register them as one service, the mesh chooses a healthy endpoint");
    }
    return target;
  }

  /**
   * Reads parameters for a driver that can choose among several hosts itself.
   *
   * @throws IllegalArgumentException if there is no service, or there are several and that is not
   *     said to be meant, or a name or a value is wrong
   */
  static MeshTarget ofSeveral(Map<String, String> parameters) {
    for (String name : parameters.keySet()) {
      requireKnown(name);
    }
    String services = parameters.get(SERVICE);
    if (services == null || services.isEmpty()) {
      throw new IllegalArgumentException(
          "expected the parameter meshService with the name of a service in the mesh, found none;"
              + " MeshJdbcUrl.rewrite writes the whole URL");
    }
    List<Destination> destinations = new ArrayList<>();
    for (String service : services.split(",", -1)) {
      Destination.Builder destination = Destination.builder(service);
      Optional.ofNullable(parameters.get(DATACENTER)).ifPresent(destination::datacenter);
      Optional.ofNullable(parameters.get(NAMESPACE)).ifPresent(destination::namespace);
      Optional.ofNullable(parameters.get(PARTITION)).ifPresent(destination::partition);
      destinations.add(destination.build());
    }
    boolean several = flag(parameters, MULTI_HOST, "false");
    if (destinations.size() > 1 && !several) {
      throw new IllegalArgumentException(
          "expected one service, or meshMultiHost=true where the driver is to choose among several,"
              + " found "
              + services.replace(",", " and ")
              + "; registered as one service, the mesh chooses a healthy endpoint");
    }
    if (Set.copyOf(destinations).size() < destinations.size()) {
      throw new IllegalArgumentException("expected each service once, found " + services);
    }
    boolean sticky = flag(parameters, STICKY, "true");
    String client = parameters.get(CLIENT);
    if (client != null && !CLIENT_NAME.matcher(client).matches()) {
      throw new IllegalArgumentException(
          "expected a client's name of letters, digits, '.', '_' or '-' in meshClient, found \""
              + client
              + "\"");
    }
    return new MeshTarget(destinations, client, sticky);
  }

  private static boolean flag(Map<String, String> parameters, String name, String otherwise) {
    String value = parameters.getOrDefault(name, otherwise);
    if (!value.equals("true") && !value.equals("false")) {
      throw new IllegalArgumentException(
          "expected " + name + "=true or " + name + "=false, found " + name + "=" + value);
    }
    return Boolean.parseBoolean(value);
  }

  /** The service; the first where there are several. */
  Destination destination() {
    return destinations.get(0);
  }

  boolean isOne() {
    return destinations.size() == 1;
  }

  /** For people. */
  String shown() {
    return destinations.stream().map(Destination::toString).collect(Collectors.joining(" and "));
  }

  /**
   * The port by which a driver that knows several hosts names each service, in their order. The
   * driver remembers what it found at a host and a port for the whole process, so services of
   * different URLs have different ones, as far as a hash can see to it.
   */
  Map<Integer, Destination> ports() {
    Map<Integer, Destination> ports = new LinkedHashMap<>();
    for (Destination each : destinations) {
      String name =
          String.join(
              "/",
              each.partition(),
              each.namespace(),
              each.datacenter().orElse(""),
              each.service());
      int port = Math.floorMod(name.hashCode(), 65_535) + 1;
      while (ports.putIfAbsent(port, each) != null) {
        port = port % 65_535 + 1;
      }
    }
    return ports;
  }

  /** What an address that a driver dials stands for. */
  Destination at(SocketAddress address) {
    Destination found =
        isOne()
            ? destination()
            : address instanceof InetSocketAddress inet ? ports().get(inet.getPort()) : null;
    if (found == null) {
      throw new IllegalArgumentException(
          "expected one of the ports of "
              + ports()
              + " as MeshJdbcUrl.rewrite writes them, found "
              + address);
    }
    return found;
  }

  private String services() {
    return destinations.stream().map(Destination::service).collect(Collectors.joining(","));
  }

  static void requireKnown(String name) {
    if (isOurs(name) && !NAMES.contains(name)) {
      throw new IllegalArgumentException(
          "expected one of " + new TreeSet<>(NAMES) + ", found a parameter " + name);
    }
  }

  /** Reads {@code service?name=value&name=value}. */
  static MeshTarget parse(String argument) {
    return of(parameters(argument));
  }

  static Map<String, String> parameters(String argument) {
    Map<String, String> parameters = new LinkedHashMap<>();
    int question = argument.indexOf('?');
    parameters.put(SERVICE, question < 0 ? argument : argument.substring(0, question));
    if (question >= 0 && question < argument.length() - 1) {
      for (String pair : argument.substring(question + 1).split("&", -1)) {
        int equals = pair.indexOf('=');
        String name = equals < 0 ? pair : pair.substring(0, equals);
        if (!NAMES.contains(name) || equals < 0) {
          throw new IllegalArgumentException(
              "expected service?meshClient=name, with "
                  + new TreeSet<>(NAMES)
                  + " as names, found \""
                  + pair
                  + "\"");
        }
        String value = pair.substring(equals + 1);
        String before = parameters.putIfAbsent(name, value);
        if (before != null && !before.equals(value)) {
          throw new IllegalArgumentException(
              "expected " + name + " once, found " + before + " and " + value);
        }
      }
    }
    return parameters;
  }

  /** The parameters that say this, in a fixed order; what is the default is left out. */
  Map<String, String> parameters() {
    Map<String, String> parameters = new LinkedHashMap<>();
    each(parameters::put);
    return parameters;
  }

  private void each(BiConsumer<String, String> to) {
    Destination destination = destination();
    to.accept(SERVICE, services());
    if (client != null) {
      to.accept(CLIENT, client);
    }
    destination.datacenter().ifPresent(name -> to.accept(DATACENTER, name));
    if (!destination.namespace().equals("default")) {
      to.accept(NAMESPACE, destination.namespace());
    }
    if (!destination.partition().equals("default")) {
      to.accept(PARTITION, destination.partition());
    }
    if (!sticky) {
      to.accept(STICKY, "false");
    }
    if (!isOne()) {
      to.accept(MULTI_HOST, "true");
    }
  }

  /** The same as one argument. */
  String argument() {
    StringBuilder text = new StringBuilder(services());
    each((name, value) -> {
      if (!name.equals(SERVICE)) {
        text.append(text.indexOf("?") < 0 ? '?' : '&').append(name).append('=').append(value);
      }
    });
    return text.toString();
  }

  /**
   * Finds the client.
   *
   * @throws SocketException if there is none, or which one is not said; drivers pass it on
   */
  MeshClient resolve() throws SocketException {
    if (client != null) {
      return MeshClients.find(client)
          .orElseThrow(() ->
              new SocketException(
                  "expected a mesh client named \""
                      + client
                      + "\" for connections to "
                      + shown()
                      + ", found none; call MeshClients.register(\""
                      + client
                      + "\", client) before the first connection"));
    }
    try {
      return MeshClients.only();
    } catch (IllegalStateException e) {
      SocketException made =
          new SocketException(e.getMessage() + " (meshClient=name), for connections to " + shown());
      made.initCause(e);
      throw made;
    }
  }
}
