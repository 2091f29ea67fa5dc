package io.meshnative;

import java.io.IOException;
import java.net.ServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A server socket that hands over authorized peers only.
 *
 * <p>{@link #accept()} returns connections whose handshake is done, whose peer has proven its
 * identity, and whom the policy held at that moment lets through. Handshakes run on other threads:
 * a slow or silent client delays nobody. Refused peers are closed, reported as {@link
 * MeshEvent.Denied}, and never seen here.
 */
public abstract class MeshServerSocket extends ServerSocket {

  /**
   * For the library.
   *
   * @throws IOException if the platform cannot make a server socket
   */
  protected MeshServerSocket() throws IOException {}

  /**
   * Waits for the next authorized peer, as long as {@link #setSoTimeout} says.
   *
   * @return a connection that is ready to use; {@link MeshClient#peer(javax.net.ssl.SSLSession)}
   *     tells who it is
   * @throws java.net.SocketTimeoutException if nobody came in time
   * @throws java.net.SocketException if this socket is closed, also while waiting
   * @throws IOException if the listening socket fails
   */
  @Override
  public abstract SSLSocket accept() throws IOException;
}
