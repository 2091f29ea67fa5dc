package io.meshnative.testkit;

import java.nio.file.Path;

/**
 * The PEM files with which a client reaches an agent over TLS: what {@code CONSUL_CACERT}, {@code
 * CONSUL_CLIENT_CERT} and {@code CONSUL_CLIENT_KEY} name.
 *
 * @param caCertificate the agent's own authority, which has nothing to do with the mesh's
 * @param clientCertificate a certificate of that authority for a client; a leaf of the mesh is
 *     refused where one is asked for
 * @param clientKey its private key
 */
public record TlsFiles(Path caCertificate, Path clientCertificate, Path clientKey) {}
