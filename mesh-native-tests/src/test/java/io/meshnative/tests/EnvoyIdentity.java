package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * A service's certificate and the roots, from the agent, in files that its sidecar watches: the
 * part that Consul's own control plane plays for an Envoy.
 */
final class EnvoyIdentity {
  private final Plane plane;
  private final String service;
  private final Path directory;
  private X509Certificate leaf;

  private EnvoyIdentity(Plane plane, String service, Path directory) {
    this.plane = plane;
    this.service = service;
    this.directory = directory;
  }

  /** Writes both files. */
  static EnvoyIdentity fetch(Plane plane, String service, Path directory) throws IOException {
    EnvoyIdentity identity = new EnvoyIdentity(plane, service, directory);
    identity.replaceRoots();
    identity.replaceLeaf();
    return identity;
  }

  static Path file(Path directory, String secret) {
    return directory.resolve(secret + ".json");
  }

  /** All that the agent holds, so that certificates of old roots go on to be good. */
  void replaceRoots() throws IOException {
    Map<String, Object> answer =
        EnvoyJson.tree(plane.api().require("GET", "/v1/agent/connect/ca/roots", ""));
    StringBuilder all = new StringBuilder();
    for (Object root : (List<?>) answer.get("Roots")) {
      all.append(((Map<?, ?>) root).get("RootCert"));
    }
    write(
        EnvoyConfig.ROOTS,
        "validation_context",
        Map.of("trusted_ca", Map.of("inline_string", all.toString())));
  }

  /** A new one each time: agents keep a leaf for each token that asks. */
  void replaceLeaf() throws IOException {
    String token =
        plane.token().isEmpty() ? UUID.randomUUID().toString() : plane.serviceToken(service);
    Map<String, Object> answer =
        EnvoyJson.tree(
            new AgentApi(plane.httpAddr(), token)
                .require("GET", "/v1/agent/connect/ca/leaf/" + service, ""));
    String chain = (String) answer.get("CertPEM");
    X509Certificate next = first(chain);
    assertThat(next).as("the leaf of %s", service).isNotEqualTo(leaf);
    leaf = next;
    write(
        EnvoyConfig.LEAF,
        "tls_certificate",
        Map.of(
            "certificate_chain",
            Map.of("inline_string", chain),
            "private_key",
            Map.of("inline_string", answer.get("PrivateKeyPEM"))));
  }

  private void write(String name, String kind, Map<String, Object> value) {
    EnvoyJson.replace(
        file(directory, name),
        EnvoyJson.resources(
            EnvoyJson.typed(
                "extensions.transport_sockets.tls.v3.Secret", Map.of("name", name, kind, value))));
  }

  /** The certificate that was written last. */
  X509Certificate leaf() {
    return leaf;
  }

  private static X509Certificate first(String pem) throws IOException {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(
                  new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
    } catch (CertificateException e) {
      throw new IOException(e);
    }
  }
}
