package io.meshnative;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.SpiffeId;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Watches dials and handshakes while they run, for meters and traces. A {@link MeshListener} hears
 * afterwards, on a thread of the library; this is called at once, on the very thread that does the
 * work, and so knows in whose name it is done.
 *
 * <pre>{@code
 * mesh.observe(new MeshObserver() {
 *   public DialObserver onDial(Destination destination) {
 *     long begun = System.nanoTime();
 *     return new DialObserver() {
 *       public void connected() { connected.record(System.nanoTime() - begun, NANOSECONDS); }
 *       public void failed(Throwable failure) { failures.increment(); }
 *     };
 *   }
 * });
 * }</pre>
 *
 * <p>Return quickly and do not block: connections wait for it. What an observer throws is logged
 * and does not reach the connection. A client that nobody observes allocates nothing for this.
 * Thread-safe; called from many threads at once.
 */
public interface MeshObserver {

  /**
   * A dial begins: {@link MeshClient#dial(Destination, DialOptions)}, or the {@code connect} of a
   * socket of {@link MeshClient#socketFactory}. All calls for one dial come on this one thread.
   *
   * @param destination who is dialled
   * @return what watches this dial; null for nobody
   */
  default @Nullable DialObserver onDial(Destination destination) {
    return null;
  }

  /**
   * An adapter that connects by itself begins to, see {@link MeshClient#observeDial}. The calls for
   * one such dial may come on different threads.
   *
   * @param destination who is dialled
   * @return what watches this dial; null for nobody
   */
  default @Nullable DialObserver onAdapterDial(Destination destination) {
    return null;
  }

  /**
   * A TLS handshake begins, before its first byte. Its end may come on another thread.
   *
   * @param handshake whose it is
   * @return what watches this handshake; null for nobody
   */
  default @Nullable HandshakeObserver onHandshake(Handshake handshake) {
    return null;
  }

  /**
   * Watches one dial; the first of {@code connected}, {@code failed} and {@code givenUp} ends it.
   */
  interface DialObserver {
    /**
     * An endpoint is tried.
     *
     * @param endpoint which; maybe one that was tried before
     */
    default void tries(Endpoint endpoint) {}

    /** The connection stands, and the peer has proven who it is. */
    void connected();

    /**
     * There is no connection.
     *
     * @param failure why; a {@link MeshAuthorizationException} where the intentions held here are
     *     against it
     */
    void failed(Throwable failure);

    /** Whoever wanted the connection wants it no more, such as a call that was cancelled. */
    default void givenUp() {}
  }

  /** Watches one handshake; the first call ends it. */
  interface HandshakeObserver {
    /**
     * The peer was let in.
     *
     * @param done what was agreed on
     */
    void completed(Agreement done);

    /**
     * It came to nothing.
     *
     * @param outcome by whom
     * @param peer the id that the peer has proven, if any
     * @param reason why, for people; one line
     */
    void ended(Outcome outcome, Optional<SpiffeId> peer, String reason);
  }

  /**
   * A handshake that begins.
   *
   * @param direction who calls whom
   * @param destination the destination; empty for inbound
   * @param peerHost the peer's address; empty where the adapter does not tell it
   * @param peerPort the peer's port; -1 where it is not known
   */
  record Handshake(
      MeshEvent.Direction direction,
      Optional<Destination> destination,
      Optional<String> peerHost,
      int peerPort) {}

  /**
   * What a handshake that completed agreed on.
   *
   * @param peer who the peer is
   * @param protocol the TLS version as the JDK names it, such as {@code TLSv1.3}
   * @param cipherSuite the cipher suite as the JDK names it
   * @param applicationProtocol what ALPN agreed on; empty for nothing
   * @param resumed whether an earlier session was resumed; it was authorized anew
   */
  record Agreement(
      SpiffeId peer,
      String protocol,
      String cipherSuite,
      Optional<String> applicationProtocol,
      boolean resumed) {}

  /** How a handshake ended that did not complete. */
  enum Outcome {
    /** This side refused the peer. */
    REFUSED,
    /** The TLS engine failed, or the peer sent an alert. */
    FAILED,
    /** The connection ended before the handshake did. */
    ABANDONED
  }
}
