package io.meshnative.tests;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;

/**
 * Ports of the loopback for listeners that are told their port: other processes, and what binds the
 * same port twice.
 *
 * <p>A port that was merely free a moment ago may be the local end of somebody's connection by the
 * time it is bound. These are held until the JVM ends, by sockets that are bound and do not listen:
 * the kernel gives such a port to no connection, refuses those who connect to it, and lets a
 * listener with {@code SO_REUSEADDR} have it, as Java's and Go's all are.
 */
final class Ports {
  private static final List<Socket> HELD = Collections.synchronizedList(new ArrayList<>());

  private Ports() {}

  static int reserve() throws IOException {
    Socket socket = new Socket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    HELD.add(socket);
    return socket.getLocalPort();
  }

  static List<Integer> reserve(int count) throws IOException {
    List<Integer> ports = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ports.add(reserve());
    }
    return ports;
  }

  /**
   * Listens on a port that somebody has just closed: the kernel may give it back only when the
   * thread that was accepting there has noticed.
   */
  static <T> T listening(Callable<T> listener) {
    return Awaitility.await("the port is free")
        .atMost(Cast.GUARD)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .ignoreExceptionsInstanceOf(BindException.class)
        .until(listener, made -> true);
  }
}
