package io.meshnative.internal.transport;

import io.meshnative.discovery.Endpoint;
import io.meshnative.internal.unix.UnixSocket;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.file.Path;

/**
 * Opens connections of TCP, and of unix sockets. A socket that is returned is connected; one that
 * is not returned is closed.
 *
 * <p>Interrupts: a platform thread that is interrupted while it connects goes on, keeps its
 * interrupt status and ends within the budget; a virtual thread's attempt is ended by the JDK at
 * once with a {@code SocketException}.
 */
public final class RawSockets {
  private RawSockets() {}

  /**
   * Connects.
   *
   * @param address where to; if it is unresolved, its name is looked up once, within the budget
   * @param budget until when
   * @param names looks names up
   * @param preparer sees the socket before it connects, after {@code TCP_NODELAY} was set: without
   *     it a handshake and a small request meet Nagle's algorithm and delayed acknowledgements
   * @return the connected socket
   * @throws UnknownHostException if the name has no address
   * @throws SocketTimeoutException if the budget has passed
   * @throws ConnectException if nothing listens there
   * @throws IOException if the preparer or the network fails
   */
  public static Socket open(
      InetSocketAddress address, Deadline budget, HostNames names, SocketPreparer preparer)
      throws IOException {
    InetSocketAddress target = names.resolve(address, budget);
    Socket raw = new Socket();
    boolean connected = false;
    try {
      raw.setTcpNoDelay(true);
      preparer.prepare(raw);
      raw.connect(target, budget.remainingMillis());
      connected = true;
      return raw;
    } catch (SocketTimeoutException e) {
      SocketTimeoutException named =
          new SocketTimeoutException(
              "no TCP connection to " + target + " within " + budget.budgetMillis() + " ms");
      named.initCause(e);
      throw named;
    } finally {
      if (!connected) {
        closeQuietly(raw);
      }
    }
  }

  /**
   * Connects to an endpoint, wherever it listens.
   *
   * @param endpoint where to
   * @param budget until when
   * @param names looks names up
   * @param preparer sees the socket before it connects
   * @return the connected socket
   * @throws IOException as {@link #open(InetSocketAddress, Deadline, HostNames, SocketPreparer)}
   */
  static Socket open(Endpoint endpoint, Deadline budget, HostNames names, SocketPreparer preparer)
      throws IOException {
    if (endpoint.socketPath().isEmpty()) {
      return open(
          InetSocketAddress.createUnresolved(endpoint.host(), endpoint.port()),
          budget,
          names,
          preparer);
    }
    Socket raw = new UnixSocket(Path.of(endpoint.socketPath().get()));
    boolean connected = false;
    try {
      preparer.prepare(raw);
      raw.connect(null, budget.remainingMillis());
      connected = true;
      return raw;
    } finally {
      if (!connected) {
        closeQuietly(raw);
      }
    }
  }

  static void closeQuietly(Socket raw) {
    try {
      raw.close();
    } catch (IOException e) {
      // A socket that cannot be closed properly is as closed as it will get.
    }
  }
}
