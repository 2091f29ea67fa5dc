package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;

import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLProtocolException;
import org.junit.jupiter.api.Test;

class TlsAlertsTest {
  private static final String BORING =
      "Read error: ssl=0x7f01a8001238: Failure in SSL library, usually a protocol error\n"
          + "error:10000416:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_UNKNOWN"
          + " (external/boringssl/src/ssl/tls_record.cc:592 0x7f01a8001238:0x00000001)";

  @Test
  void theAlertIsFoundInTheTextsOfBothEngines() {
    assertThat(
            TlsAlerts.received(new SSLHandshakeException("Received fatal alert: bad_certificate")))
        .isEqualTo("bad_certificate");
    assertThat(
            TlsAlerts.received(
                new SSLHandshakeException("(access_denied) Received fatal alert: access_denied")))
        .isEqualTo("access_denied");
    assertThat(TlsAlerts.received(new SSLProtocolException(BORING)))
        .isEqualTo("certificate_unknown");
    assertThat(TlsAlerts.received(new SSLException("no cipher suites in common"))).isNull();
    assertThat(TlsAlerts.received(new SSLException((String) null))).isNull();
  }

  @Test
  void aReadableTextHoldsNoPointerAndKeepsItsTypeAndAlert() {
    SSLException readable = TlsAlerts.readable(new SSLProtocolException(BORING));
    assertThat(readable)
        .isInstanceOf(SSLProtocolException.class)
        .hasMessage("Received fatal alert: certificate_unknown")
        .hasNoCause();
    SSLException other =
        TlsAlerts.readable(
            new SSLHandshakeException(
                BORING.replace("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "BAD_DECRYPT")));
    assertThat(other)
        .isInstanceOf(SSLHandshakeException.class)
        .hasMessage("the TLS engine says BAD_DECRYPT");
  }

  @Test
  void aTextThatIsReadableStaysAsItIs() {
    SSLException failure = new SSLHandshakeException("expected db, found web");
    assertThat(TlsAlerts.readable(failure)).isSameAs(failure);
  }
}
