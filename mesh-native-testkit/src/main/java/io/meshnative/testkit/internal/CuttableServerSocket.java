package io.meshnative.testkit.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketImpl;
import java.net.SocketTimeoutException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A listening socket whose connections can be cut while the port stays taken.
 *
 * <p>While it is down a connection is reset as soon as it is accepted. Really closing the listener
 * would look more like a dead agent, but another process could take the port before it is back.
 */
public final class CuttableServerSocket extends ServerSocket {
  private final Set<Connection> live = ConcurrentHashMap.newKeySet();
  private final Semaphore accepting = new Semaphore(1);
  private volatile boolean down;

  public CuttableServerSocket() throws IOException {}

  /**
   * Always on. The server switches it off for a port that the system chose, and then a connection
   * that lingers in TIME_WAIT would keep that port from a plane that is started on it again.
   */
  @Override
  public void setReuseAddress(boolean on) throws SocketException {
    super.setReuseAddress(true);
  }

  @Override
  public Socket accept() throws IOException {
    accepting.acquireUninterruptibly();
    try {
      return acceptWhileUp();
    } finally {
      accepting.release();
    }
  }

  private Socket acceptWhileUp() throws IOException {
    while (true) {
      Connection connection = new Connection();
      implAccept(connection);
      try {
        // The server writes head and body apart; with Nagle's algorithm each answer takes 40 ms.
        connection.setTcpNoDelay(true);
      } catch (SocketException e) {
        // The client was gone before it was here.
        connection.reset();
        continue;
      }
      live.add(connection);
      // Looked at after the registration, so that cut() and accept() cannot miss each other.
      if (!down) {
        return connection;
      }
      connection.reset();
    }
  }

  /** Resets every connection and, until {@link #up()}, every new one. */
  public void down() {
    down = true;
    cut();
  }

  /** Serves again. */
  public void up() {
    down = false;
  }

  /**
   * Closes, and waits until the accepting thread has let go: the system frees the port only then,
   * which may be a moment after close() came back.
   */
  public void closeAndFreePort() {
    try {
      close();
      if (accepting.tryAcquire(10, TimeUnit.SECONDS)) {
        accepting.release();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the listener", e);
    } catch (InterruptedException e) {
      // Closed all the same; the port follows by itself.
      Thread.currentThread().interrupt();
    }
  }

  /** Resets every connection that is open now. */
  public void cut() {
    live.forEach(Connection::reset);
  }

  /** How many connections are open. */
  public int open() {
    return live.size();
  }

  /** An accepted connection that can tell whether its client went away. */
  public final class Connection extends Socket {
    private static final ThreadLocal<@Nullable Connection> SERVED = new ThreadLocal<>();
    private @Nullable PeekingInput input;

    private Connection() throws IOException {
      super((@Nullable SocketImpl) null);
    }

    @Override
    public synchronized InputStream getInputStream() throws IOException {
      PeekingInput present = input;
      if (present == null) {
        present = new PeekingInput(super.getInputStream(), this);
        input = present;
      }
      return present;
    }

    @Override
    public synchronized void close() throws IOException {
      live.remove(this);
      super.close();
    }

    /** Closes with a reset rather than in good order. */
    void reset() {
      live.remove(this);
      try {
        setSoLinger(true, 0);
        close();
      } catch (IOException e) {
        // It was closed already, which is what we want.
      }
    }
  }

  /**
   * Whether the client that the present thread serves has closed its end. HTTP/1.1 reads a request
   * on the thread that answers it, so the last connection that a thread read from is the one that
   * it serves.
   */
  public static boolean clientOfThisThreadIsGone() {
    Connection connection = Connection.SERVED.get();
    if (connection == null) {
      return false;
    }
    PeekingInput input = connection.input;
    return connection.isClosed() || (input != null && input.ended());
  }

  /**
   * Reads ahead a little, to tell an idle client from one that has gone: a client that speaks TLS
   * says good-bye with a record before it closes.
   */
  private static final class PeekingInput extends InputStream {
    private final InputStream in;
    private final Connection connection;
    private final byte[] ahead = new byte[256];
    private int from;
    private int until;

    PeekingInput(InputStream in, Connection connection) {
      this.in = in;
      this.connection = connection;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      int count = read(one, 0, 1);
      return count < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
      Connection.SERVED.set(connection);
      if (from < until && length > 0) {
        int count = Math.min(length, until - from);
        System.arraycopy(ahead, from, buffer, offset, count);
        from += count;
        return count;
      }
      return in.read(buffer, offset, length);
    }

    boolean ended() {
      if (from == until) {
        from = 0;
        until = 0;
      }
      try {
        connection.setSoTimeout(1);
        try {
          int count = until == ahead.length ? 0 : in.read(ahead, until, ahead.length - until);
          until += Math.max(0, count);
          return count < 0;
        } finally {
          connection.setSoTimeout(0);
        }
      } catch (SocketTimeoutException e) {
        return false;
      } catch (IOException e) {
        return true;
      }
    }

    @Override
    public void close() throws IOException {
      connection.close();
    }
  }
}
