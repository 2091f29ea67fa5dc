package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelFactory;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Where a server listens, and the event loops that it owns. gRPC shares its own loops among all
 * servers and channels of a process, but only with channels that it makes itself.
 */
final class ServerTransport {
  private static final long QUIET_MILLIS = 500;
  private static final long PATIENCE_MILLIS = 10_000;

  private final SocketAddress address;
  private final ChannelFactory<ServerChannel> channels;
  private final EventLoopGroup acceptor;
  private final EventLoopGroup workers;

  private ServerTransport(
      SocketAddress address,
      ChannelFactory<ServerChannel> channels,
      EventLoopGroup acceptor,
      EventLoopGroup workers) {
    this.address = address;
    this.channels = channels;
    this.acceptor = acceptor;
    this.workers = workers;
  }

  /**
   * Prepares to listen; no thread is started yet.
   *
   * @param watcher sees each listening channel before it accepts
   */
  static ServerTransport at(SocketAddress address, String service, Consumer<Channel> watcher) {
    boolean unix =
        address instanceof UnixDomainSocketAddress || address instanceof DomainSocketAddress;
    boolean epoll = Epoll.isAvailable();
    ChannelFactory<ServerChannel> made = channels(unix, epoll);
    String name = "mesh-" + service + "-grpc";
    return new ServerTransport(
        unix ? unixAddress(address) : address,
        () -> {
          ServerChannel channel = made.newChannel();
          watcher.accept(channel);
          return channel;
        },
        EventLoops.of(1, name + "-accept"),
        EventLoops.of(0, name));
  }

  private static ChannelFactory<ServerChannel> channels(boolean unix, boolean epoll) {
    if (unix) {
      return epoll ? EpollServerDomainSocketChannel::new : NioServerDomainSocketChannel::new;
    }
    return epoll ? EpollServerSocketChannel::new : NioServerSocketChannel::new;
  }

  /** Each kind of channel takes its own kind of address. */
  private static SocketAddress unixAddress(SocketAddress address) {
    String path =
        address instanceof DomainSocketAddress netty
            ? netty.path()
            : ((UnixDomainSocketAddress) address).getPath().toString();
    return EventLoops.unixAddress(path);
  }

  SocketAddress address() {
    return address;
  }

  ChannelFactory<ServerChannel> channels() {
    return channels;
  }

  EventLoopGroup acceptor() {
    return acceptor;
  }

  EventLoopGroup workers() {
    return workers;
  }

  /** Ends the loops, once nothing has been given to them for a moment. Does not block. */
  void end() {
    acceptor.shutdownGracefully(QUIET_MILLIS, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
    workers.shutdownGracefully(QUIET_MILLIS, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }
}
