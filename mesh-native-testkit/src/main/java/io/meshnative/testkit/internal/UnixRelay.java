package io.meshnative.testkit.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A unix socket whose bytes go to a TCP port and back, as Nomad's bridge networking has it (a.4).
 * It knows nothing of HTTP or TLS.
 */
final class UnixRelay implements AutoCloseable {
  private final Path path;
  private final InetSocketAddress target;
  private final ServerSocketChannel listener;
  private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

  UnixRelay(Path path, InetSocketAddress target) {
    this.path = path;
    this.target = target;
    try {
      this.listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      listener.bind(UnixDomainSocketAddress.of(path));
    } catch (IOException | UnsupportedOperationException e) {
      throw new UncheckedIOException(
          "cannot listen on the unix socket " + path + ": it must not exist, and be short",
          e instanceof IOException io ? io : new IOException(e));
    }
    start("accept", this::accept);
  }

  private void start(String what, Runnable body) {
    Thread thread = new Thread(body, "mesh-testkit-unix-" + what);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (listener.isOpen()) {
      try {
        SocketChannel client = listener.accept();
        open.add(client);
        SocketChannel agent = SocketChannel.open(target);
        open.add(agent);
        start("up", () -> pump(client, agent));
        start("down", () -> pump(agent, client));
      } catch (IOException e) {
        // The listener was closed, or the agent is down: then nobody answers the client.
        closeIfListenerIs();
      }
    }
  }

  private void closeIfListenerIs() {
    if (!listener.isOpen()) {
      open.forEach(UnixRelay::closeQuietly);
    }
  }

  /** Copies until either side ends, and then ends both. */
  private void pump(ByteChannel from, ByteChannel to) {
    ByteBuffer buffer = ByteBuffer.allocate(16 * 1024);
    try {
      while (from.read(buffer) >= 0) {
        buffer.flip();
        while (buffer.hasRemaining()) {
          int unused = to.write(buffer);
        }
        buffer.clear();
      }
    } catch (IOException e) {
      // One of them is gone, and that is all that there is to know.
    } finally {
      closeQuietly(from);
      closeQuietly(to);
      open.removeIf(channel -> !channel.isOpen());
    }
  }

  private static void closeQuietly(ByteChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // It could not be closed better.
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      boolean unused = Files.deleteIfExists(path);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove the unix socket " + path, e);
    } finally {
      open.forEach(UnixRelay::closeQuietly);
    }
  }
}
