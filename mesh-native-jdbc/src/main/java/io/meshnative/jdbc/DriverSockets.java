package io.meshnative.jdbc;

import io.meshnative.DialOptions;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.SocketFactory;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Makes the sockets of all drivers: <i>deferred</i> ones, unconnected {@code SSLSocket}s whose
 * {@code connect} dials the service within what the driver has left of its budget, whatever address
 * it names.
 *
 * <p>Which endpoint: the one on which the hash of this process and the destination falls, as long
 * as it is healthy. So a process talks to one server, and processes spread over all of them. A
 * cancel goes to the very endpoint of the connection whose statement it ends, and fails rather than
 * reach another one: number 17 of another server is somebody else's statement.
 */
final class DriverSockets {
  /** What a driver that sets no limit gets: none of them should wait for ever. */
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(10);

  /**
   * For a cancel at most. Drivers cancel from a thread that serves every connection of the process:
   * a slow one delays all other query timeouts.
   */
  static final Duration CANCEL_TIMEOUT = Duration.ofSeconds(2);

  /** What makes this process another one than the next: without it, all would go to one server. */
  private static final String PROCESS = UUID.randomUUID().toString();

  private DriverSockets() {}

  /** A socket for a new connection. */
  static SSLSocket connection(MeshTarget target, Duration timeout, Object scope)
      throws SocketException {
    MeshClient client = target.resolve();
    DialOptions options = DialOptions.defaults().withTimeout(timeout);
    if (target.sticky()) {
      options = options.withStickyKey(stickyKey(target.destination()));
    }
    return deferred(client, target, options, scope);
  }

  static String stickyKey(Destination destination) {
    return PROCESS + " " + destination;
  }

  /**
   * A socket for a cancel.
   *
   * @param mates the connections that it may be for
   */
  static SSLSocket cancel(
      MeshTarget target, Duration timeout, Object scope, List<OpenSockets.Opened> mates)
      throws SocketException {
    Set<OpenSockets.Backend> backends =
        mates.stream()
            .map(OpenSockets.Opened::backend)
            .flatMap(Optional::stream)
            .collect(Collectors.toSet());
    if (backends.size() != 1) {
      throw new SocketException(
          "expected one backend of "
              + target.shown()
              + " that runs the statement to cancel, found "
              + (backends.isEmpty() ? "none: the connection has ended" : backends)
              + "; nothing was cancelled");
    }
    OpenSockets.Backend backend = backends.iterator().next();
    Duration budget = timeout.compareTo(CANCEL_TIMEOUT) < 0 ? timeout : CANCEL_TIMEOUT;
    return deferred(
        target.resolve(),
        new MeshTarget(List.of(backend.destination()), target.client(), target.sticky()),
        DialOptions.defaults().withTimeout(budget).withEndpoint(backend.endpoint()),
        scope);
  }

  private static SSLSocket deferred(
      MeshClient client, MeshTarget target, DialOptions options, Object scope)
      throws SocketException {
    AtomicReference<@Nullable Destination> dialled =
        new AtomicReference<>(target.isOne() ? target.destination() : null);
    SocketFactory factory =
        target.isOne()
            ? client.socketFactory(target.destination(), options)
            : client.socketFactory(
                address -> {
                  Destination destination = target.at(address);
                  dialled.set(destination);
                  return destination;
                },
                options);
    try {
      return OpenSockets.ALL.add(
          (SSLSocket) factory.createSocket(), scope, client, target.destinations(), dialled);
    } catch (IOException e) {
      throw asSocketException(e);
    }
  }

  /** What a driver makes of its own settings, or a complaint that it passes on as it is. */
  static <T, R> R checked(T settings, Function<T, R> read) throws SocketException {
    try {
      return read.apply(settings);
    } catch (IllegalArgumentException e) {
      throw asSocketException(e);
    }
  }

  /** The complaint about a driver's own TLS, which does not belong inside the mesh's. */
  static SocketException tlsIsOn(String expected, String found) {
    return new SocketException(
        "expected "
            + expected
            + ", since the mesh encrypts already, found "
            + found
            + "; MeshJdbcUrl.rewrite writes the whole URL");
  }

  private static SocketException asSocketException(Exception e) {
    SocketException made = new SocketException(String.valueOf(e.getMessage()));
    made.initCause(e);
    return made;
  }

  /** A driver's connect timeout, where 0 and less mean none. */
  static Duration timeout(long millis) {
    return millis > 0 ? Duration.ofMillis(millis) : DEFAULT_TIMEOUT;
  }
}
