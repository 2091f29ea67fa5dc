package io.meshnative.tests;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A unix socket whose bytes go to a TCP port and back, as Nomad's bridge mode has it. */
final class UnixRelay implements AutoCloseable {
  private final ServerSocketChannel listener;
  private final int port;
  private final List<SocketChannel> open = new CopyOnWriteArrayList<>();

  UnixRelay(Path path, int port) throws IOException {
    this.port = port;
    this.listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    listener.bind(UnixDomainSocketAddress.of(path));
    start("relay-accept", this::accept);
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void start(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException e) {
                // closed at one end: the other end is closed too
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (true) {
      SocketChannel near = listener.accept();
      open.add(near);
      SocketChannel far =
          SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      open.add(far);
      start("relay-there", () -> copy(near, far));
      start("relay-back", () -> copy(far, near));
    }
  }

  private static void copy(SocketChannel from, SocketChannel to) throws IOException {
    try (from;
        to) {
      ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
      while (from.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
        buffer.clear();
      }
    }
  }

  /** How many connections have come. */
  int connections() {
    return open.size() / 2;
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (SocketChannel each : open) {
      each.close();
    }
  }
}
