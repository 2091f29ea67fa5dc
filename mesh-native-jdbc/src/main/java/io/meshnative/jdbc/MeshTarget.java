package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.discovery.Destination;
import java.net.SocketException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which service a connection goes to, and by which client: what the parameters {@code mesh…} of a
 * URL say, or the one argument of a socket factory, {@code db?meshClient=orders}.
 *
 * @param destination the service
 * @param client the client's name; null for the only one
 * @param sticky whether to keep to one endpoint
 */
record MeshTarget(Destination destination, @Nullable String client, boolean sticky) {
  static final String SERVICE = "meshService";
  static final String CLIENT = "meshClient";
  static final String DATACENTER = "meshDatacenter";
  static final String NAMESPACE = "meshNamespace";
  static final String PARTITION = "meshPartition";
  static final String STICKY = "meshSticky";
  static final Set<String> NAMES =
      Set.of(SERVICE, CLIENT, DATACENTER, NAMESPACE, PARTITION, STICKY);

  /**
   * What needs no escape in any driver's URL, so that no two of them can read it in two ways.
   * Services are checked by {@link Destination}, which allows less.
   */
  private static final Pattern CLIENT_NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");

  /** Whether a parameter is one of ours, or was meant to be: then it must be spelt right. */
  static boolean isOurs(String name) {
    return name.toLowerCase(Locale.ROOT).startsWith("mesh");
  }

  /**
   * Reads parameters; those of the driver are passed over.
   *
   * @throws IllegalArgumentException if there is no service, or a name or a value is wrong
   */
  static MeshTarget of(Map<String, String> parameters) {
    for (String name : parameters.keySet()) {
      requireKnown(name);
    }
    String service = parameters.get(SERVICE);
    if (service == null || service.isEmpty()) {
      throw new IllegalArgumentException(
          "expected the parameter meshService with the name of a service in the mesh, found none;"
              + " MeshJdbcUrl.rewrite writes the whole URL");
    }
    Destination.Builder destination = Destination.builder(service);
    Optional.ofNullable(parameters.get(DATACENTER)).ifPresent(destination::datacenter);
    Optional.ofNullable(parameters.get(NAMESPACE)).ifPresent(destination::namespace);
    Optional.ofNullable(parameters.get(PARTITION)).ifPresent(destination::partition);
    String sticky = parameters.getOrDefault(STICKY, "true");
    if (!sticky.equals("true") && !sticky.equals("false")) {
      throw new IllegalArgumentException(
          "expected meshSticky=true or meshSticky=false, found meshSticky=" + sticky);
    }
    String client = parameters.get(CLIENT);
    if (client != null && !CLIENT_NAME.matcher(client).matches()) {
      throw new IllegalArgumentException(
          "expected a client's name of letters, digits, '.', '_' or '-' in meshClient, found \""
              + client
              + "\"");
    }
    return new MeshTarget(destination.build(), client, Boolean.parseBoolean(sticky));
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
    to.accept(SERVICE, destination.service());
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
  }

  /** The same as one argument. */
  String argument() {
    StringBuilder text = new StringBuilder(destination.service());
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
                      + destination
                      + ", found none; call MeshClients.register(\""
                      + client
                      + "\", client) before the first connection"));
    }
    try {
      return MeshClients.only();
    } catch (IllegalStateException e) {
      SocketException made =
          new SocketException(
              e.getMessage() + " (meshClient=name), for connections to " + destination);
      made.initCause(e);
      throw made;
    }
  }
}
