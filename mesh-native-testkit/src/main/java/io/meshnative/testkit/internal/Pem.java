package io.meshnative.testkit.internal;

import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;

/** PEM as Go writes it: 64 columns, {@code \n} on every platform, a final line end. */
public final class Pem {
  private static final byte[] LINE_END = "\n".getBytes(StandardCharsets.US_ASCII);

  private Pem() {}

  /** One certificate. */
  public static String encode(X509Certificate certificate) {
    try {
      return encode("CERTIFICATE", certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("cannot encode " + certificate.getSubjectX500Principal(), e);
    }
  }

  /** One block of any kind. */
  public static String encode(String label, byte[] der) {
    return "-----BEGIN "
        + label
        + "-----\n"
        + Base64.getMimeEncoder(64, LINE_END).encodeToString(der)
        + "\n-----END "
        + label
        + "-----\n";
  }
}
