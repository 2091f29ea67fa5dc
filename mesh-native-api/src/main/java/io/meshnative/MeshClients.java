package io.meshnative;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Clients by name, for code that is made by class name and cannot be handed an object, such as JDBC
 * socket factories. The only static state of this module. Thread-safe.
 */
public final class MeshClients {
  private static final Map<String, MeshClient> CLIENTS = new ConcurrentHashMap<>();

  private MeshClients() {}

  /**
   * Registers a client. It stays registered until the subscription is closed; closing the client
   * does not take it out.
   *
   * @param name the name
   * @param client the client
   * @return takes it out again when closed
   * @throws IllegalStateException if another client has that name
   */
  public static Subscription register(String name, MeshClient client) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(client, "client");
    MeshClient other = CLIENTS.putIfAbsent(name, client);
    if (other != null && other != client) {
      throw new IllegalStateException(
          "expected no mesh client named \""
              + name
              + "\" yet, found that of service "
              + other.service());
    }
    return () -> CLIENTS.remove(name, client);
  }

  /**
   * Finds a client by name.
   *
   * @param name the name
   * @return the client, empty if none has that name
   */
  public static Optional<MeshClient> find(String name) {
    return Optional.ofNullable(CLIENTS.get(name));
  }

  /**
   * Finds the only client.
   *
   * @return the client
   * @throws IllegalStateException if there is none, or more than one; the message says what to do
   */
  public static MeshClient only() {
    Map<String, MeshClient> now = Map.copyOf(CLIENTS);
    if (now.size() != 1) {
      throw new IllegalStateException(
          "expected exactly one registered mesh client, found "
              + (now.isEmpty()
                  ? "none; call MeshClients.register(name, client)"
                  : now.keySet() + "; name one of them"));
    }
    return now.values().iterator().next();
  }
}
