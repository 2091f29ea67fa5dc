package io.meshnative.tests;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Stands before a server and counts who comes. Passes connections on byte by byte, or, when told
 * to, answers the next hello by a fatal alert, as a server does that cannot make anything of it.
 */
final class Gatekeeper implements AutoCloseable {
  private static final byte[] HANDSHAKE_FAILURE = {21, 3, 3, 0, 2, 2, 40};

  private final ServerSocket door;
  private final int behind;
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger refusals = new AtomicInteger();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  Gatekeeper(int behind) throws IOException {
    this.behind = behind;
    this.door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start("gate", this::accept);
  }

  int port() {
    return door.getLocalPort();
  }

  int connections() {
    return connections.get();
  }

  /** So many hellos from now on get an alert. */
  void refuse(int hellos) {
    refusals.set(hellos);
  }

  private void accept() {
    while (!door.isClosed()) {
      try {
        Socket caller = door.accept();
        connections.incrementAndGet();
        open.add(caller);
        start("gate-way", () -> receive(caller));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void receive(Socket caller) {
    try {
      if (refusals.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        readHello(caller.getInputStream());
        caller.getOutputStream().write(HANDSHAKE_FAILURE);
        caller.shutdownOutput();
        caller.getInputStream().readAllBytes();
        caller.close();
        return;
      }
      Socket server = new Socket(InetAddress.getLoopbackAddress(), behind);
      open.add(server);
      start("gate-back", () -> copy(server, caller));
      copy(caller, server);
    } catch (IOException e) {
      close(caller);
    }
  }

  private static void readHello(InputStream in) throws IOException {
    byte[] header = in.readNBytes(5);
    in.readNBytes((header[3] & 0xff) << 8 | (header[4] & 0xff));
  }

  private static void copy(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
      to.shutdownOutput();
    } catch (IOException e) {
      close(from);
      close(to);
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is as closed as it will get.
    }
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    door.close();
    open.forEach(Gatekeeper::close);
  }
}
