package io.meshnative.internal.consul;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.Socket;
import javax.net.SocketFactory;

/**
 * Bounds what comes between two pieces of a body: headers, provisional answers, the framing of
 * chunks. The HTTP client bounds a header by itself, but waits for the end of a chunk's first line
 * however long it is, and keeps all of it.
 *
 * <p>For HTTP/1.1 without TLS, where the thread that makes a call does its reading: what has come
 * is counted per thread. An HTTPS agent has proven who it is.
 */
final class FramingGuard {
  /** The HTTP client's own limit of all headers is a quarter of it. */
  private static final long MOST = 1 << 20;

  private final ThreadLocal<long[]> came = ThreadLocal.withInitial(() -> new long[1]);

  /** A call begins, or a piece of its body was taken. */
  void goesOn() {
    came.get()[0] = 0;
  }

  InputStream over(InputStream in) {
    return new FilterInputStream(in) {
      @Override
      public int read() throws IOException {
        return count(super.read(), 1);
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        int got = super.read(bytes, offset, length);
        return count(got, got);
      }
    };
  }

  private int count(int result, int bytes) throws ProtocolException {
    if (result >= 0) {
      long[] sum = came.get();
      sum[0] += bytes;
      if (sum[0] > MOST) {
        throw new ProtocolException(
            "expected at most 1 MiB of headers and framing, found more and no body");
      }
    }
    return result;
  }

  /** Makes plain TCP sockets that are watched. */
  SocketFactory sockets() {
    return new SocketFactory() {
      @Override
      public Socket createSocket() {
        return new Socket() {
          @Override
          public InputStream getInputStream() throws IOException {
            return over(super.getInputStream());
          }
        };
      }

      @Override
      public Socket createSocket(String host, int port) {
        throw onlyUnconnected();
      }

      @Override
      public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw onlyUnconnected();
      }

      @Override
      public Socket createSocket(InetAddress host, int port) {
        throw onlyUnconnected();
      }

      @Override
      public Socket createSocket(
          InetAddress address, int port, InetAddress localAddress, int localPort) {
        throw onlyUnconnected();
      }
    };
  }

  private static UnsupportedOperationException onlyUnconnected() {
    return new UnsupportedOperationException("the HTTP client connects its sockets itself");
  }
}
