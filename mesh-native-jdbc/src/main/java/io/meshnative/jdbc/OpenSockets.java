package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.lang.ref.WeakReference;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
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

  /**
   * One socket.
   *
   * @param socket it may not be connected yet
   * @param scope what it shares with its cancels, compared by identity
   * @param client the client that dials
   * @param destination the service
   * @param known the endpoints that were known when it was made: it may have left the catalog when
   *     it matters
   */
  record Opened(
      WeakReference<SSLSocket> socket,
      WeakReference<Object> scope,
      WeakReference<MeshClient> client,
      Destination destination,
      List<Endpoint> known) {

    /** The socket while it is connected. */
    @Nullable SSLSocket connected() {
      SSLSocket held = socket.get();
      return held != null && held.isConnected() && !held.isClosed() ? held : null;
    }

    private boolean isGone() {
      SSLSocket held = socket.get();
      return held == null || held.isClosed();
    }

    /** Where it is connected to, by the catalog then or now. */
    Optional<Endpoint> endpoint() {
      SSLSocket held = connected();
      MeshClient dialled = client.get();
      if (held == null || dialled == null) {
        return Optional.empty();
      }
      return Stream.concat(known.stream(), dialled.endpoints(destination).stream())
          .filter(endpoint -> isAt(held, endpoint))
          .findFirst();
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

  SSLSocket add(SSLSocket socket, Object scope, MeshClient client, Destination destination) {
    sockets.removeIf(Opened::isGone);
    sockets.add(
        new Opened(
            new WeakReference<>(socket),
            new WeakReference<>(scope),
            new WeakReference<>(client),
            destination,
            client.endpoints(destination)));
    return socket;
  }

  /** The connected sockets of a scope. */
  List<Opened> of(Object scope) {
    return connected(opened -> opened.scope().get() == scope);
  }

  /** The connected sockets to a destination. */
  List<Opened> of(MeshClient client, Destination destination) {
    return connected(
        opened -> opened.client().get() == client && opened.destination().equals(destination));
  }

  private List<Opened> connected(Predicate<Opened> which) {
    return sockets.stream().filter(which).filter(opened -> opened.connected() != null).toList();
  }
}
