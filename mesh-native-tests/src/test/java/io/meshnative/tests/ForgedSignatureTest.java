package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.open;
import static io.meshnative.tests.TlsWorld.ping;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.tests.RawPeer.Card;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Door;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x9.ECNamedCurveTable;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * T16: a certificate is public; what proves its owner is the signature in the handshake. A peer
 * with the true chain of an allowed service signs with what needs no key, such as the all-zero
 * signature of CVE-2022-21449.
 */
@ExtendWith(Quiet.class)
class ForgedSignatureTest {
  private static final java.math.BigInteger ORDER = ECNamedCurveTable.getByName("P-256").getN();

  private static byte[] der(java.math.BigInteger r, java.math.BigInteger s) throws IOException {
    ASN1EncodableVector both = new ASN1EncodableVector();
    both.add(new ASN1Integer(r));
    both.add(new ASN1Integer(s));
    return new DERSequence(both).getEncoded();
  }

  private static Map<String, byte[]> forgeries() throws IOException {
    java.math.BigInteger zero = java.math.BigInteger.ZERO;
    java.math.BigInteger one = java.math.BigInteger.ONE;
    Map<String, byte[]> forgeries = new TreeMap<>();
    forgeries.put("zero and zero", der(zero, zero));
    forgeries.put("zero and one", der(zero, one));
    forgeries.put("one and zero", der(one, zero));
    forgeries.put("the curve's order twice", der(ORDER, ORDER));
    forgeries.put("one and one", der(one, one));
    forgeries.put("an empty sequence", new byte[] {0x30, 0});
    forgeries.put("no DER", new byte[] {1, 2, 3});
    return forgeries;
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void t16ASignatureThatNeedsNoKeyProvesNothing(Tls tls) throws Exception {
    try (Forger forger = new Forger();
        TlsWorld world = new TlsWorld(tls, Optional.empty());
        Application app = open(world.db, Door.LISTEN)) {
      assertThat(forger.getName()).isEqualTo("Forger");
      for (String version : new String[] {"TLSv1.3", "TLSv1.2"}) {
        signing(world, "web", new byte[0]).ping(app.port(), version); // its own signature is good
        int bytes = app.bytes();
        for (Map.Entry<String, byte[]> forgery : forgeries().entrySet()) {
          RawPeer caller = signing(world, "web", forgery.getValue());
          assertThatThrownBy(() -> caller.ping(app.port(), version))
              .as(forgery.getKey() + " as caller in " + version)
              .isInstanceOf(IOException.class)
              .isNotInstanceOf(SocketTimeoutException.class);
          RawPeer db = signing(world, "db", forgery.getValue());
          try (Application server = open(db, 0, Tls.JSSE)) {
            assertThatThrownBy(() -> ping(world.web, DB, server.port(), version))
                .as(forgery.getKey() + " as server in " + version)
                .isInstanceOf(IOException.class)
                .isNotInstanceOf(SocketTimeoutException.class);
            assertThat(server.bytes()).isZero();
          }
        }
        assertThat(app.bytes()).isEqualTo(bytes);
        try (Application server = open(signing(world, "db", new byte[0]), 0, Tls.JSSE)) {
          ping(world.web, DB, server.port(), version);
        }
      }
    }
  }

  private static RawPeer signing(TlsWorld world, String service, byte[] signature) {
    IssuedCertificate issued = world.plane.caIssue(service);
    return RawPeer.of(
        Tls.JSSE.security(),
        new Card(issued.chain(), new Forger.Key(issued.privateKey(), signature)));
  }
}
