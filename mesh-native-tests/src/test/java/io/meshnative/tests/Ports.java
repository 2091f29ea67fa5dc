package io.meshnative.tests;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

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
}
