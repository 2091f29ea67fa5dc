package io.meshnative.jdbc;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;

/** Of the five ways to make a socket, drivers use the one that does not connect. */
abstract class DeferredSocketFactory extends SocketFactory {
  /** For the drivers' own classes. */
  DeferredSocketFactory() {}

  /**
   * Makes a socket that is not connected.
   *
   * @return a socket whose {@code connect} dials the service, whatever address it is given
   * @throws IOException if the settings are wrong, or there is no mesh client; the message says
   *     what to do
   */
  @Override
  public abstract Socket createSocket() throws IOException;

  @Override
  public Socket createSocket(String host, int port) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw connectsLater();
  }

  @Override
  public Socket createSocket(
      InetAddress address, int port, InetAddress localAddress, int localPort) {
    throw connectsLater();
  }

  private static UnsupportedOperationException connectsLater() {
    return new UnsupportedOperationException(
        "expected createSocket() followed by connect(), as JDBC drivers call them: the service is"
            + " named by meshService and not by an address");
  }
}
