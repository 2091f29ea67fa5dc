package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * The sockets that drivers hold, so that a cancel finds the backend whose statement it is to end,
 * and so that what is left of an endpoint that went away can be closed.
 *
 * <p>Static, since drivers make their factories by class name and a cancel has another factory than
 * its connection; all they share is an object of the driver's, the <i>scope</i>. Everything here is
 * held weakly and goes when a socket is closed.
 */
final class OpenSockets {
  static final OpenSockets ALL = new OpenSockets();

  private final Queue<Opened> sockets = new ConcurrentLinkedQueue<>();

  /** What a cancel has to reach. */
  record Backend(Destination destination, Endpoint endpoint) {}

  /**
   * One socket.
   *
   * @param socket it may not be connected yet
   * @param scope what it shares with its cancels, compared by identity
   * @param client the client that dials
   * @param dialled the service; empty until it connects, where the driver chooses among several
   * @param known the endpoints that were known when it was made: it may have left the catalog when
   *     it matters
   */
  record Opened(
      WeakReference<SSLSocket> socket,
      WeakReference<Object> scope,
      WeakReference<MeshClient> client,
      AtomicReference<@Nullable Destination> dialled,
      List<Endpoint> known) {

    /** The socket while it is connected. */
    @Nullable SSLSocket connected() {
      SSLSocket held = socket.get();
      return held != null && held.isConnected() && !isOver(held) ? held : null;
    }

    private boolean isGone() {
      SSLSocket held = socket.get();
      return held == null || held.isClosed();
    }

    /** Whether its owner has closed it, or the mesh has ended it, which the owner may not know. */
    private static boolean isOver(SSLSocket socket) {
      if (socket.isClosed()) {
        return true;
      }
      try {
        socket.getSoTimeout();
        return false;
      } catch (SocketException e) {
        return true;
      }
    }

    /** Where it is connected to, by the catalog then or now. */
    Optional<Backend> backend() {
      SSLSocket held = connected();
      MeshClient by = client.get();
      Destination destination = dialled.get();
      if (held == null || by == null || destination == null) {
        return Optional.empty();
      }
      return Stream.concat(known.stream(), by.endpoints(destination).stream())
          .filter(endpoint -> isAt(held, endpoint))
          .findFirst()
          .map(endpoint -> new Backend(destination, endpoint));
    }

    String remoteIp() {
      SSLSocket held = connected();
      return held == null || held.getInetAddress() == null
          ? ""
          : held.getInetAddress().getHostAddress();
    }
  }

  /** Whether a connected socket goes to an endpoint; asks no name server. */
  static boolean isAt(Socket socket, Endpoint endpoint) {
    return socket.getPort() == endpoint.port()
        && socket.getRemoteSocketAddress() instanceof InetSocketAddress address
        && (endpoint.host().equals(address.getHostString())
            || endpoint.host().equals(socket.getInetAddress().getHostAddress()));
  }

  SSLSocket add(
      SSLSocket socket,
      Object scope,
      MeshClient client,
      List<Destination> destinations,
      AtomicReference<@Nullable Destination> dialled) {
    sockets.removeIf(Opened::isGone);
    sockets.add(
        new Opened(
            new WeakReference<>(socket),
            new WeakReference<>(scope),
            new WeakReference<>(client),
            dialled,
            destinations.stream().flatMap(each -> client.endpoints(each).stream()).toList()));
    return socket;
  }

  /** The connected sockets of a scope. */
  List<Opened> of(Object scope) {
    return connected(opened -> opened.scope().get() == scope);
  }

  /** The connected sockets to a destination. */
  List<Opened> of(MeshClient client, Destination destination) {
    return connected(
        opened ->
            opened.client().get() == client
                && Objects.equals(destination, opened.dialled().get()));
  }

  private List<Opened> connected(Predicate<Opened> which) {
    return sockets.stream().filter(which).filter(opened -> opened.connected() != null).toList();
  }
}
