package io.meshnative.internal.transport;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLProtocolException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the exceptions of TLS engines, which tell what happened in their texts only. JSSE says
 * "Received fatal alert: x", also as "(x) …" prefix; BoringSSL says "…ALERT_X" amid native pointers
 * and build paths, which are of no use to a person and go into no message of ours.
 */
final class TlsAlerts {
  private static final Pattern JSSE = Pattern.compile("Received fatal alert: (\\w+)");
  private static final Pattern BORING = Pattern.compile("[A-Z0-9]_ALERT_([A-Z_]+)");
  private static final Pattern BORING_REASON =
      Pattern.compile("OPENSSL_internal:([A-Za-z0-9_ ]+?) ?[(\\n]");
  private static final Pattern POINTER = Pattern.compile("0x[0-9a-fA-F]{4,}");

  /**
   * RFC 8446 §6.2: those by which a server answers the certificate that we sent, or did not send.
   */
  private static final Set<String> OF_OUR_CERTIFICATE =
      Set.of(
          "access_denied",
          "bad_certificate",
          "certificate_expired",
          "certificate_required",
          "certificate_revoked",
          "certificate_unknown",
          "unknown_ca",
          "unsupported_certificate");

  private TlsAlerts() {}

  /** The alert that the peer sent, in the words of RFC 8446, or null if this is something else. */
  static @Nullable String received(Throwable failure) {
    String text = failure.getMessage();
    if (!(failure instanceof SSLException) || text == null) {
      return null;
    }
    Matcher jsse = JSSE.matcher(text);
    if (jsse.find()) {
      return jsse.group(1);
    }
    Matcher boring = BORING.matcher(text);
    return boring.find() ? boring.group(1).toLowerCase(Locale.ROOT) : null;
  }

  /** Whether an alert speaks of our certificate or of our right to call. */
  static boolean isAboutOurCertificate(String alert) {
    return OF_OUR_CERTIFICATE.contains(alert);
  }

  /** The same failure without native pointers; the same instance if it holds none. */
  static SSLException readable(SSLException failure) {
    String text = failure.getMessage();
    if (text == null || !POINTER.matcher(text).find()) {
      return failure;
    }
    String alert = received(failure);
    Matcher reason = BORING_REASON.matcher(text);
    String told =
        alert != null
            ? "Received fatal alert: " + alert
            : reason.find() ? "the TLS engine says " + reason.group(1) : "the TLS engine failed";
    SSLException readable =
        failure instanceof SSLHandshakeException
            ? new SSLHandshakeException(told)
            : failure instanceof SSLProtocolException
                ? new SSLProtocolException(told)
                : new SSLException(told);
    readable.setStackTrace(failure.getStackTrace());
    return readable;
  }
}
