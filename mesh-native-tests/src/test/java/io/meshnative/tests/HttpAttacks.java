package io.meshnative.tests;

/**
 * All that an HTTP server has to survive: the rows of the threat list that concern it, by raw bytes
 * on the wire, and policy and certificates that change under its connections. A server has them by
 * a class of one line:
 *
 * <pre>{@code
 * class JettyAttacksTest extends HttpAttacks {
 *   JettyAttacksTest() {
 *     super(HttpServerKind.JETTY, TlsKind.CONSCRYPT);
 *   }
 * }
 * }</pre>
 *
 * <p>On another TLS engine the bytes of HTTP are the same: there {@link HttpLiveAttacks} will do.
 * What speaks HTTP/2 has {@link Http2Attacks} besides.
 */
abstract class HttpAttacks extends HttpMessageAttacks {
  HttpAttacks(HttpServerKind kind, TlsKind tls) {
    super(kind, tls);
  }
}
