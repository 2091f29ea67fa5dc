package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLProtocolException;
import org.junit.jupiter.api.Test;

/** What is read from the failures of network libraries over our engines. */
class RefusalTest {
  private static final Destination ORDERS = Destination.parse("orders");

  @Test
  void anAlertThatAnswersOurCertificateIsARefusalHoweverDeepItIsWrapped() {
    Throwable wrapped =
        new RuntimeException(
            new IOException(
                new SSLProtocolException(
                    "Read error: ssl=0x7f01a8001238: error:10000416:SSL routines:OPENSSL_internal:"
                        + "SSLV3_ALERT_CERTIFICATE_UNKNOWN (external/boringssl 0x7f01a8001238)")));
    assertThat(Refusal.read(ORDERS, wrapped))
        .get()
        .satisfies(refusal ->
            assertThat(refusal)
                .hasMessageContaining("orders refused our certificate")
                .hasMessageContaining("alert certificate_unknown")
                .hasMessageContaining("look at the intentions of orders")
                .hasMessageNotContaining("0x7f01a8001238")
                .cause()
                .hasMessageNotContaining("0x7f01a8001238"));
    assertThat(
            Refusal.read(ORDERS, new SSLHandshakeException("Received fatal alert: access_denied")))
        .isPresent();
  }

  @Test
  void aRefusalThatIsOneAlreadyIsGivenBack() {
    PeerRefusedException told = new PeerRefusedException("orders refused", null);
    assertThat(Refusal.read(ORDERS, new IOException(told))).containsSame(told);
  }

  @Test
  void otherFailuresAreNone() {
    assertThat(Refusal.read(ORDERS, new IOException("Connection reset by peer"))).isEmpty();
    assertThat(
            Refusal.read(
                ORDERS, new SSLHandshakeException("Received fatal alert: protocol_version")))
        .isEmpty();
    assertThat(Refusal.read(ORDERS, new SSLException((String) null))).isEmpty();
  }

  @Test
  void causesThatGoRoundInACircleEnd() {
    IOException one = new IOException("one");
    IOException other = new IOException("other", one);
    one.initCause(other);
    assertThat(Refusal.read(ORDERS, other)).isEmpty();
  }
}
