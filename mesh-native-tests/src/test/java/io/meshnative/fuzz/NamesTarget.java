package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import io.meshnative.identity.SpiffeId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.DERTaggedObject;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/**
 * Subject alternative names of certificates: of the bytes in them, and of whole certificates that
 * were bent. A certificate's signature plays no part in the reading of its names.
 */
public final class NamesTarget {
  private static final AlgorithmIdentifier ECDSA =
      new AlgorithmIdentifier(new ASN1ObjectIdentifier("1.2.840.10045.4.3.2"));
  private static final PublicKey KEY = key();
  private static final int URI = 6;

  private NamesTarget() {}

  private static PublicKey key() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair().getPublic();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Called by the fuzzer: a byte that says how to read the rest, and the rest. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    if (input.length < 2) {
      return;
    }
    byte[] rest = java.util.Arrays.copyOfRange(input, 1, input.length);
    byte[] der =
        switch (input[0] & 3) {
          case 0 -> certificate(names(rest));
          case 1 -> certificate(rest); // any bytes as the extension
          case 2 -> certificate(oneUri(rest));
          default -> bent(rest);
        };
    X509Certificate certificate;
    try {
      certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509", "SUN")
                  .generateCertificate(new ByteArrayInputStream(der));
    } catch (CertificateException e) {
      return; // the JDK's own refusal
    }
    SpiffeId id;
    try {
      id = SpiffeId.of(certificate);
    } catch (CertificateException e) {
      return;
    }
    List<byte[]> uris = uris(certificate);
    require(uris.size() == 1, "a certificate that proves an id has one URI name");
    require(
        new String(uris.get(0), StandardCharsets.ISO_8859_1).equals(id.toString()),
        "the id is the bytes of the name");
  }

  /** Names one after the other: a tag, a length, the bytes. */
  private static byte[] names(byte[] input) throws IOException {
    ASN1EncodableVector names = new ASN1EncodableVector();
    for (int at = 0; at + 2 <= input.length; ) {
      int tag = input[at] & 7;
      int length = Math.min(input[at + 1] & 0xff, input.length - at - 2);
      byte[] body = java.util.Arrays.copyOfRange(input, at + 2, at + 2 + length);
      names.add(new DERTaggedObject(false, tag, new DEROctetString(body)));
      at += 2 + length;
    }
    return new DERSequence(names).getEncoded();
  }

  private static byte[] oneUri(byte[] name) throws IOException {
    return new DERSequence(new DERTaggedObject(false, URI, new DEROctetString(name))).getEncoded();
  }

  private static byte[] certificate(byte[] alternativeNames) throws IOException {
    V3TBSCertificateGenerator body = new V3TBSCertificateGenerator();
    body.setSerialNumber(new ASN1Integer(BigInteger.ONE));
    body.setSignature(ECDSA);
    body.setIssuer(new X500Name("CN=issuer"));
    body.setSubject(new X500Name("CN=subject"));
    body.setStartDate(new Time(new Date(0)));
    body.setEndDate(new Time(new Date(4_000_000_000_000L)));
    body.setSubjectPublicKeyInfo(SubjectPublicKeyInfo.getInstance(KEY.getEncoded()));
    body.setExtensions(
        new Extensions(new Extension(Extension.subjectAlternativeName, false, alternativeNames)));
    ASN1EncodableVector all = new ASN1EncodableVector();
    all.add(body.generateTBSCertificate());
    all.add(ECDSA);
    all.add(new DERBitString(new byte[] {1}));
    return new DERSequence(all).getEncoded();
  }

  /** A good certificate in which pairs of bytes say what to change, and where. */
  private static byte[] bent(byte[] changes) throws IOException {
    byte[] der =
        certificate(
            oneUri("spiffe://t.consul/ns/d/dc/d/svc/s".getBytes(StandardCharsets.US_ASCII)));
    for (int i = 0; i + 2 < changes.length; i += 3) {
      int at = ((changes[i] & 0xff) << 8 | changes[i + 1] & 0xff) % der.length;
      der[at] = changes[i + 2];
    }
    return der;
  }

  /** The URI names, by another reader than the library's. */
  private static List<byte[]> uris(X509Certificate certificate) {
    byte[] extension = certificate.getExtensionValue(Extension.subjectAlternativeName.getId());
    List<byte[]> uris = new ArrayList<>();
    ASN1Sequence names =
        ASN1Sequence.getInstance(ASN1OctetString.getInstance(extension).getOctets());
    for (var each : names) {
      ASN1TaggedObject name = ASN1TaggedObject.getInstance(each);
      if (name.getTagNo() == URI) {
        uris.add(ASN1OctetString.getInstance(name, false).getOctets());
      }
    }
    return uris;
  }
}
