package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** PEM: authorities, chains and keys as the agent sends them. */
public final class PemTarget {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", Pattern.DOTALL);
  private static final TrustDomain DOMAIN = TrustDomain.of("t.consul");

  private PemTarget() {}

  /** Called by the fuzzer: chain and key, parted by a NUL; without one, authorities. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    String text = new String(input, StandardCharsets.ISO_8859_1);
    int part = text.indexOf('\0');
    if (part < 0) {
      roots(text);
    } else {
      identity(text.substring(0, part), text.substring(part + 1));
    }
  }

  private static void roots(String text) throws Exception {
    TrustBundle bundle;
    try {
      bundle = TrustBundle.ofPem(DOMAIN, List.of(text));
    } catch (CertificateException e) {
      return;
    }
    List<byte[]> blocks = blocks(text);
    for (X509Certificate root : bundle.roots()) {
      require(root.getBasicConstraints() >= 0, "a root is an authority");
      requireIn(root, blocks);
    }
  }

  private static void identity(String chain, String key) throws Exception {
    WorkloadIdentity identity;
    try {
      identity = WorkloadIdentity.ofPem(chain, key);
    } catch (CertificateException e) {
      for (String line : key.split("\\s+")) {
        require(
            line.length() < 20 || !String.valueOf(e).contains(line),
            "no line of a key is in a refusal");
      }
      return;
    }
    List<byte[]> blocks = blocks(chain);
    for (X509Certificate certificate : identity.chain()) {
      requireIn(certificate, blocks);
    }
    require(key.contains("PRIVATE KEY"), "a key stands in a block of its own");
  }

  private static void requireIn(X509Certificate certificate, List<byte[]> blocks)
      throws CertificateException {
    byte[] der = certificate.getEncoded();
    require(
        blocks.stream()
            .anyMatch(block ->
                block.length >= der.length
                    && java.util.Arrays.equals(block, 0, der.length, der, 0, der.length)),
        "a certificate's bytes stand in a block of the text");
  }

  private static List<byte[]> blocks(String text) {
    List<byte[]> blocks = new ArrayList<>();
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      try {
        blocks.add(Base64.getMimeDecoder().decode(block.group(1)));
      } catch (IllegalArgumentException e) {
        // No base64 to this reader.
      }
    }
    return blocks;
  }
}
