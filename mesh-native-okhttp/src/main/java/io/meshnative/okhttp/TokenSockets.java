package io.meshnative.okhttp;

import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import javax.net.SocketFactory;

/** Makes {@link TokenSocket}s. One object a client: OkHttp's pool compares it. */
final class TokenSockets extends SocketFactory {
  private final Tokens tokens;

  TokenSockets(Tokens tokens) {
    this.tokens = tokens;
  }

  @Override
  public Socket createSocket() {
    return new TokenSocket(tokens);
  }

  @Override
  public Socket createSocket(String host, int port) throws SocketException {
    throw deferredOnly();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws SocketException {
    throw deferredOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws SocketException {
    throw deferredOnly();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws SocketException {
    throw deferredOnly();
  }

  private static SocketException deferredOnly() {
    return new SocketException("expected OkHttp, which connects sockets itself, found another use");
  }
}
