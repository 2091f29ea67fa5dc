package io.meshnative.internal.transport;

import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import java.io.EOFException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * Tells a refusal of our certificate, or of our right to call, from other failures. A TLS 1.2
 * server says it in the handshake. A TLS 1.3 server checks our certificate after our handshake has
 * ended (RFC 8446 §4.4.2): its alert, or just its reset, is what our first read or write meets.
 */
public final class Refusal {
  /** How late after the handshake a bare reset still reads as a refusal. An alert always does. */
  private static final int RESET_MILLIS = 30_000;

  /** How deep a network library wraps the failure of an engine, with room to spare. */
  private static final int MAX_CAUSES = 16;

  private final String peer;
  private volatile long handshakeDoneNanos;

  Refusal(String peer) {
    this.peer = peer;
  }

  void handshakeDone() {
    handshakeDoneNanos = System.nanoTime();
  }

  /**
   * What to throw for a failure of a client's handshake.
   *
   * @param reset whether the peer reset the connection after it had seen our certificate: in TLS
   *     1.2 a server has no other way to refuse us once its engine has nothing more against us
   */
  IOException inHandshake(IOException failure, boolean reset) {
    if (reset) {
      return refused("reset of the connection during the handshake", failure);
    }
    String alert = TlsAlerts.received(failure);
    return alert != null && TlsAlerts.isAboutOurCertificate(alert)
        ? refused("alert " + alert + " during the handshake", failure)
        : failure;
  }

  /**
   * What to throw for a failure of a client's read or write before any application byte came in.
   *
   * @param alert what was found behind a reset, if anything
   */
  IOException afterHandshake(IOException failure, boolean reset, @Nullable SSLException alert) {
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - handshakeDoneNanos);
    String when = ", " + millis + " ms after the handshake, before any application data";
    IOException cause = alert != null ? alert : failure;
    String name = TlsAlerts.received(cause);
    if (name != null) {
      return refused("alert " + name + when, cause);
    }
    if (reset && millis <= RESET_MILLIS) {
      return refused("reset of the connection" + when, cause);
    }
    if (failure.getCause() instanceof EOFException) {
      SSLException hinted =
          new SSLException(
              failure.getMessage()
                  + when
                  + ": "
                  + peer
                  + " may have refused us, look at its intentions");
      hinted.initCause(failure);
      return hinted;
    }
    return failure;
  }

  /** A refusal in the causes of what a network library over our engine has thrown. */
  public static Optional<PeerRefusedException> read(Destination destination, Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof PeerRefusedException told) {
        return Optional.of(told);
      }
      String alert = TlsAlerts.received(cause);
      if (alert != null && TlsAlerts.isAboutOurCertificate(alert)) {
        Throwable readable = TlsAlerts.readable((SSLException) cause);
        return Optional.of(new Refusal(destination.toString()).refused("alert " + alert, readable));
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }

  private PeerRefusedException refused(String how, Throwable cause) {
    return new PeerRefusedException(
        peer
            + " refused our certificate or our right to call it ("
            + how
            + "); look at the intentions of "
            + peer
            + ", then at whether it trusts the roots of our identity",
        cause);
  }
}
