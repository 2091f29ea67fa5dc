package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Arrays;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A mesh connection as OkHttp's pool sees it. It says two things that the socket below does not
 * know.
 *
 * <ul>
 *   <li>Where ALPN agreed on nothing, and the destination's protocol is http2 or grpc, it reports
 *       {@code h2}: sidecars speak HTTP/2 without ALPN (reference consul.md §j).
 *   <li>A connection that is to get no new calls (its certificates grow old, or its endpoint is one
 *       of the destination no longer) looks half-closed. OkHttp asks that before each call that
 *       would take it from the pool, and before nothing else: what runs on it goes on, and it is
 *       closed when the last call has ended.
 * </ul>
 */
final class PooledSocket extends ForwardingSslSocket {
  private static final String HTTP_2 = "h2";

  private final SSLSocket socket;
  private final TokenSocket raw;
  private final MeshClient mesh;
  private volatile @Nullable MeshException reason;

  PooledSocket(SSLSocket socket, TokenSocket raw, MeshClient mesh) {
    super(socket);
    this.socket = socket;
    this.raw = raw;
    this.mesh = mesh;
  }

  /** OkHttp's dial ends with it. */
  @Override
  public void startHandshake() throws IOException {
    try {
      super.startHandshake();
    } catch (IOException | RuntimeException | Error e) {
      raw.dialFailed(e);
      throw e;
    }
    raw.dialled();
  }

  /** OkHttp asks once, after the handshake. */
  @Override
  public @Nullable String getApplicationProtocol() {
    String agreed = socket.getApplicationProtocol();
    boolean assumed = agreed != null && agreed.isEmpty() && offersHttp2() && raw.speaksHttp2();
    return assumed ? HTTP_2 : agreed;
  }

  /** A WebSocket, or a client that was told to speak HTTP/1.1 only, does not. */
  private boolean offersHttp2() {
    String[] offered = socket.getSSLParameters().getApplicationProtocols();
    return offered != null && Arrays.asList(offered).contains(HTTP_2);
  }

  @Override
  public boolean isInputShutdown() {
    return super.isInputShutdown() || isRetired();
  }

  private boolean isRetired() {
    if (socket.isClosed()) {
      return true; // and its session may be nobody's any more
    }
    try {
      return !raw.isOffered() || mesh.isRetiring(socket.getSession());
    } catch (IllegalArgumentException e) {
      return true; // closed meanwhile
    }
  }

  /**
   * The mesh's reason for the end of this connection, once a read or write has met it. With HTTP/2
   * that is a thread of OkHttp's own, and its calls are told of an end without a reason.
   */
  @Nullable MeshException reason() {
    return reason;
  }

  private IOException met(IOException failure) {
    if (failure instanceof MeshException met) {
      reason = met;
    }
    return failure;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new Input(super.getInputStream());
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new Output(super.getOutputStream());
  }

  private final class Input extends FilterInputStream {
    Input(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      try {
        return in.read();
      } catch (IOException e) {
        throw met(e);
      }
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      try {
        return in.read(bytes, offset, length);
      } catch (IOException e) {
        throw met(e);
      }
    }
  }

  private final class Output extends FilterOutputStream {
    Output(OutputStream out) {
      super(out);
    }

    @Override
    public void write(int value) throws IOException {
      try {
        out.write(value);
      } catch (IOException e) {
        throw met(e);
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      try {
        out.write(bytes, offset, length);
      } catch (IOException e) {
        throw met(e);
      }
    }

    @Override
    public void flush() throws IOException {
      try {
        out.flush();
      } catch (IOException e) {
        throw met(e);
      }
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }
}
