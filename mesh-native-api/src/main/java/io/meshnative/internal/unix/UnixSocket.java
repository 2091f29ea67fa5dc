package io.meshnative.internal.unix;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A stream over a unix domain socket, in the shape that HTTP and TLS stacks ask for. Wherever it is
 * told to connect to, it connects to its path.
 *
 * <p>Waiting is done by selectors, so that a read honours its timeout, and an interrupt or a close
 * from another thread ends it. One thread may read while another writes.
 */
public final class UnixSocket extends Socket {
  private final Path path;
  private final UnaryOperator<InputStream> watched;
  private final SocketChannel channel;
  private final Readiness readable = new Readiness(SelectionKey.OP_READ);
  private final Readiness writable = new Readiness(SelectionKey.OP_WRITE);
  private final ReentrantLock lifecycle = new ReentrantLock();
  private volatile int readMillis;
  private volatile boolean connected;
  private volatile boolean closed;
  private volatile boolean inputShut;
  private volatile boolean outputShut;

  /** Makes a socket that is not connected yet. */
  public UnixSocket(Path path) throws IOException {
    this(path, UnaryOperator.identity());
  }

  /** Makes a socket whose input passes through something. */
  public UnixSocket(Path path, UnaryOperator<InputStream> watched) throws IOException {
    this.path = path;
    this.watched = watched;
    this.channel = SocketChannel.open(StandardProtocolFamily.UNIX);
  }

  /** The timeout is not needed: whether somebody listens there is known at once. */
  @Override
  public void connect(SocketAddress ignored, int timeout) throws IOException {
    try {
      channel.connect(UnixDomainSocketAddress.of(path));
      channel.configureBlocking(false);
    } catch (IOException e) {
      close();
      SocketException failure =
          new SocketException("no connection to the unix socket " + path + ": " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
    connected = true;
  }

  @Override
  public void connect(SocketAddress ignored) throws IOException {
    connect(ignored, 0);
  }

  @Override
  public InputStream getInputStream() {
    return watched.apply(input());
  }

  private InputStream input() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        return length == 0 ? 0 : receive(ByteBuffer.wrap(bytes, offset, length));
      }

      @Override
      public void close() throws IOException {
        UnixSocket.this.close();
      }
    };
  }

  @Override
  public OutputStream getOutputStream() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        send(ByteBuffer.wrap(new byte[] {(byte) b}));
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        send(ByteBuffer.wrap(bytes, offset, length));
      }

      @Override
      public void close() throws IOException {
        UnixSocket.this.close();
      }
    };
  }

  private int receive(ByteBuffer target) throws IOException {
    int limit = readMillis;
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limit);
    try {
      while (true) {
        int count = inputShut ? -1 : channel.read(target);
        if (count != 0) {
          return count;
        }
        long left = limit == 0 ? 0 : millisUntil(until);
        if (limit != 0 && left <= 0) {
          throw new SocketTimeoutException("nothing to read within " + limit + " ms");
        }
        readable.await(left);
      }
    } catch (ClosedChannelException e) {
      throw isClosed(e);
    }
  }

  private void send(ByteBuffer source) throws IOException {
    try {
      while (source.hasRemaining()) {
        if (channel.write(source) == 0) {
          writable.await(0); // whoever limits the time of a write closes the socket
        }
      }
    } catch (ClosedChannelException e) {
      throw isClosed(e);
    }
  }

  private static long millisUntil(long until) {
    return TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime() + 999_999);
  }

  private static SocketException isClosed(Exception cause) {
    SocketException closed = new SocketException("Socket closed");
    closed.initCause(cause);
    return closed;
  }

  @Override
  public void close() throws IOException {
    lifecycle.lock();
    try {
      closed = true;
      channel.close();
      readable.close(); // a closed channel does not wake those who wait for it; a selector does
      writable.close();
    } finally {
      lifecycle.unlock();
    }
  }

  @Override
  public void shutdownInput() throws IOException {
    inputShut = true;
    channel.shutdownInput();
  }

  @Override
  public void shutdownOutput() throws IOException {
    outputShut = true;
    channel.shutdownOutput();
  }

  @Override
  public void setSoTimeout(int millis) {
    readMillis = millis;
  }

  @Override
  public int getSoTimeout() {
    return readMillis;
  }

  @Override
  public boolean isConnected() {
    return connected;
  }

  @Override
  public boolean isBound() {
    return connected;
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  @Override
  public boolean isInputShutdown() {
    return inputShut;
  }

  @Override
  public boolean isOutputShutdown() {
    return outputShut;
  }

  @Override
  public InetAddress getInetAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public InetAddress getLocalAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public int getPort() {
    return 0;
  }

  @Override
  public int getLocalPort() {
    return 0;
  }

  @Override
  public SocketAddress getRemoteSocketAddress() {
    return UnixDomainSocketAddress.of(path);
  }

  @Override
  public @Nullable SocketAddress getLocalSocketAddress() {
    return null;
  }

  /** Options of TCP mean nothing here. */
  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public void setKeepAlive(boolean on) {}

  @Override
  public boolean getKeepAlive() {
    return false;
  }

  @Override
  public boolean getTcpNoDelay() {
    return true;
  }

  @Override
  public void setSoLinger(boolean on, int seconds) {}

  @Override
  public int getSoLinger() {
    return -1;
  }

  @Override
  public void setOOBInline(boolean on) {}

  @Override
  public boolean getOOBInline() {
    return false;
  }

  @Override
  public void setTrafficClass(int traffic) {}

  @Override
  public int getTrafficClass() {
    return 0;
  }

  @Override
  public void setReuseAddress(boolean on) {}

  @Override
  public boolean getReuseAddress() {
    return false;
  }

  @Override
  public void setReceiveBufferSize(int bytes) throws SocketException {
    set(StandardSocketOptions.SO_RCVBUF, bytes);
  }

  @Override
  public int getReceiveBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_RCVBUF);
  }

  @Override
  public void setSendBufferSize(int bytes) throws SocketException {
    set(StandardSocketOptions.SO_SNDBUF, bytes);
  }

  @Override
  public int getSendBufferSize() throws SocketException {
    return get(StandardSocketOptions.SO_SNDBUF);
  }

  private void set(SocketOption<Integer> option, int value) throws SocketException {
    try {
      channel.setOption(option, value);
    } catch (IOException e) {
      throw isClosed(e);
    }
  }

  private int get(SocketOption<Integer> option) throws SocketException {
    try {
      return channel.getOption(option);
    } catch (IOException e) {
      throw isClosed(e);
    }
  }

  @Override
  public String toString() {
    return "UnixSocket[" + path + "]";
  }

  /**
   * Waits until the channel can be read, or written. Each is waited for by one thread at a time.
   */
  private final class Readiness {
    private final int operation;
    private @Nullable Selector selector;

    Readiness(int operation) {
      this.operation = operation;
    }

    void await(long millis) throws IOException {
      Selector waiting = selector();
      try {
        waiting.select(millis);
        waiting.selectedKeys().clear();
      } catch (ClosedSelectorException e) {
        throw isClosed(e);
      }
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted");
      }
    }

    private Selector selector() throws IOException {
      lifecycle.lock();
      try {
        if (closed) {
          throw new ClosedChannelException();
        }
        Selector open = selector;
        if (open == null) {
          open = Selector.open();
          selector = open;
          channel.register(open, operation);
        }
        return open;
      } catch (CancelledKeyException e) {
        throw isClosed(e);
      } finally {
        lifecycle.unlock();
      }
    }

    void close() throws IOException {
      if (selector != null) {
        selector.close();
      }
    }
  }
}
