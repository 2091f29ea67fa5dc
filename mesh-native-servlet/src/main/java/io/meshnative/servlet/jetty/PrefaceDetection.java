package io.meshnative.servlet.jetty;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.DetectorConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;

/**
 * Decides between HTTP/2 and HTTP/1.1 by the connection's first bytes. Envoy as Consul configures
 * it sends no ALPN with HTTP/2, and older proxies of Consul offer {@code h2} and then speak
 * something else (reference/consul.md §0.4).
 */
final class PrefaceDetection extends HTTP2ServerConnectionFactory
    implements ConnectionFactory.Detecting {
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private PrefaceDetection(HttpConfiguration configuration) {
    super(configuration);
  }

  /** A factory that goes on with HTTP/2 or with the protocol that follows it in the connector. */
  static ConnectionFactory before(HttpConfiguration configuration) {
    return new DetectorConnectionFactory(new PrefaceDetection(configuration));
  }

  @Override
  public Detection detect(ByteBuffer first) {
    int length = Math.min(first.remaining(), PREFACE.length);
    for (int i = 0; i < length; i++) {
      if (first.get(first.position() + i) != PREFACE[i]) {
        return Detection.NOT_RECOGNIZED;
      }
    }
    return length == PREFACE.length ? Detection.RECOGNIZED : Detection.NEED_MORE_BYTES;
  }
}
