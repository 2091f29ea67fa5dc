package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The threads that serve the sockets of mesh channels. gRPC has such loops of its own, which serve
 * only sockets that gRPC makes; ours must be closed when a right is withdrawn. As gRPC's, they are
 * shared by all channels of the JVM, started with the first one and ended after the last.
 *
 * <p>Thread-safe.
 */
final class EventLoops {
  private static final EventLoops SHARED = new EventLoops();

  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable EventLoopGroup group; // guarded by the lock
  private int users; // guarded by the lock

  private EventLoops() {}

  static EventLoops shared() {
    return SHARED;
  }

  /** The loops, running until as many releases have come. */
  EventLoopGroup acquire() {
    lock.lock();
    try {
      EventLoopGroup running = group;
      if (running == null) {
        running = of(0, "mesh-grpc"); // as many as processors; each starts when it is needed
        group = running;
      }
      users++;
      return running;
    } finally {
      lock.unlock();
    }
  }

  /** Once for each {@link #acquire}. Does not block. */
  void release() {
    lock.lock();
    try {
      if (--users == 0 && group != null) {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS);
        group = null;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * New loops, on daemon threads, that nobody shares. Epoll's where it is there, else NIO's.
   *
   * @param threads how many; 0 for Netty's default
   */
  @SuppressWarnings("deprecation") // of Netty 4.2; Spring Boot 4.1 gives its users a gRPC on 4.1
  static EventLoopGroup of(int threads, String name) {
    DefaultThreadFactory factory = new DefaultThreadFactory(name, true);
    // Not one expression: what both have in common is a class that Netty 4.1 does not have, and
    // newer compilers write it into the bytecode.
    if (Epoll.isAvailable()) {
      return new EpollEventLoopGroup(threads, factory);
    }
    return new NioEventLoopGroup(threads, factory);
  }

  /**
   * A socket that these loops serve.
   *
   * @param unix whether it is to be connected to a {@link #unixAddress}, or else by TCP
   */
  static Channel socket(boolean unix) {
    if (unix) {
      return Epoll.isAvailable() ? new EpollDomainSocketChannel() : new NioDomainSocketChannel();
    }
    return Epoll.isAvailable() ? new EpollSocketChannel() : new NioSocketChannel();
  }

  /** The path of a unix socket as the loops' channels take it: each kind has its own class. */
  static SocketAddress unixAddress(String path) {
    return Epoll.isAvailable() ? new DomainSocketAddress(path) : UnixDomainSocketAddress.of(path);
  }
}
