package io.meshnative.okhttp;

import io.meshnative.MeshObserver;
import io.meshnative.discovery.Attempt;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection to the endpoint that a token address stands for. It carries nothing by itself:
 * until mesh TLS is layered over it, whatever is written to it is refused, so that no call, however
 * redirected, sends plaintext to the mesh.
 */
final class TokenSocket extends Socket {
  private final Tokens tokens;
  private volatile Tokens.@Nullable Token token;
  private volatile @Nullable Attempt attempt;
  private volatile MeshObserver.@Nullable DialObserver dial;
  private volatile boolean secured;
  private volatile @Nullable Standing standing;

  /** Whether the endpoint is one of a set. Sets hold thousands, and are asked for each call. */
  private record Standing(EndpointSet set, boolean offered) {}

  TokenSocket(Tokens tokens) {
    this.tokens = tokens;
  }

  @Override
  public void connect(SocketAddress address) throws IOException {
    connect(address, 0);
  }

  @Override
  public void connect(SocketAddress address, int timeoutMillis) throws IOException {
    Tokens.Token found =
        address instanceof InetSocketAddress inet ? tokens.find(inet.getAddress()) : null;
    if (found == null) {
      throw new ConnectException(
          "expected the address of a mesh endpoint, found "
              + address
              + ": a call to the mesh does not leave it, by a redirect or otherwise");
    }
    token = found;
    Endpoint endpoint = found.endpoint();
    Attempt begun = found.pool().begin(endpoint);
    attempt = begun;
    MeshObserver.DialObserver observed = tokens.observeDial(found);
    dial = observed;
    try {
      if (endpoint.socketPath().isPresent()) {
        throw new ConnectException(
            "expected an endpoint that listens on TCP, found "
                + endpoint
                + "; calls of OkHttp reach no unix sockets");
      }
      InetSocketAddress real = new InetSocketAddress(endpoint.host(), endpoint.port());
      if (real.isUnresolved()) {
        throw new UnknownHostException(
            "expected an address for the host of " + endpoint + ", found none");
      }
      setTcpNoDelay(true);
      super.connect(real, timeoutMillis);
      begun.succeeded();
    } catch (IOException e) {
      if (isClosed()) {
        begun.closed(); // given up by the call: no fault of the endpoint's
        observed.givenUp();
      } else {
        begun.failed();
        observed.failed(e);
      }
      throw e;
    }
  }

  /** The dial is over once mesh TLS stands on this connection. */
  void dialled() {
    MeshObserver.DialObserver observed = dial;
    if (observed != null) {
      observed.connected();
    }
  }

  /** Mesh TLS did not come to stand on it. */
  void dialFailed(Throwable failure) {
    MeshObserver.DialObserver observed = dial;
    if (observed != null) {
      observed.failed(failure);
    }
  }

  /** Who must answer. */
  Destination target() throws SocketException {
    Tokens.Token found = token;
    if (found == null) {
      throw new SocketException("expected a connected socket, found one that is not");
    }
    return tokens.target(found);
  }

  /** Whether the endpoint is still one of those that the destination leads to. */
  boolean isOffered() {
    Tokens.Token found = token;
    EndpointSet set = found == null ? null : tokens.newest(found);
    if (found == null || set == null) {
      return true; // nothing is known against it
    }
    Standing known = standing;
    if (known == null || known.set() != set) {
      Endpoint endpoint = found.endpoint();
      known =
          new Standing(set, set.endpoints().stream().anyMatch(other -> isSame(endpoint, other)));
      standing = known;
    }
    return known.offered();
  }

  /** Weights may change. */
  private static boolean isSame(Endpoint one, Endpoint other) {
    return one.address().equals(other.address())
        && one.instance().equals(other.instance())
        && one.identity().equals(other.identity());
  }

  /** Whether the destination's config entries say that it speaks HTTP/2. */
  boolean speaksHttp2() {
    Tokens.Token found = token;
    EndpointSet set = found == null ? null : tokens.newest(found);
    return set != null && set.protocol().isHttp2();
  }

  /** From here on mesh TLS writes, and nobody else. */
  void secure() {
    secured = true;
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return secured ? super.getOutputStream() : new Refusing();
  }

  @Override
  public void close() throws IOException {
    Attempt begun = attempt;
    if (begun != null) {
      begun.closed();
    }
    MeshObserver.DialObserver observed = dial;
    if (observed != null) {
      observed.givenUp(); // unless it had ended before
    }
    super.close();
  }

  /** Closes too: OkHttp would wait for an answer to what it could not send. */
  private final class Refusing extends OutputStream {
    @Override
    public void write(int value) throws IOException {
      TokenSocket.this.close();
      throw new SocketException(
          "expected mesh TLS on a connection to the mesh, found plaintext: use https");
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, bytes.length);
      write(0);
    }
  }
}
