package io.meshnative.tests;

import java.io.IOException;
import java.security.KeyPair;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/** EC keys as the agent's CA configuration wants them. */
final class Sec1 {
  private static final int P256_BITS = 256;

  private Sec1() {}

  static String pem(KeyPair pair) throws IOException {
    ECPrivateKey key =
        ECPrivateKey.getInstance(
            PrivateKeyInfo.getInstance(pair.getPrivate().getEncoded()).parsePrivateKey());
    ASN1BitString point =
        SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()).getPublicKeyData();
    ECPrivateKey whole =
        new ECPrivateKey(
            P256_BITS,
            key.getKey(),
            new DERBitString(point.getBytes()),
            SECObjectIdentifiers.secp256r1);
    if (!X9ObjectIdentifiers.prime256v1.equals(SECObjectIdentifiers.secp256r1)) {
      throw new IllegalStateException("two names of one curve");
    }
    return ConsulAgent.pem("EC PRIVATE KEY", whole.getEncoded());
  }
}
