package io.meshnative.servlet.tomcat;

import org.apache.coyote.Adapter;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * HTTP/2 by the connection's first bytes. Envoy as Consul configures it sends no ALPN with HTTP/2,
 * and older proxies of Consul offer {@code h2} and then speak something else (reference/consul.md
 * §0.4).
 */
final class MeshHttp2 extends Http2Protocol {
  MeshHttp2() {
    setUseSendfile(false); // it writes below whoever could stop it
  }

  /** The name under which Tomcat looks for a protocol that begins with HTTP/2's preface. */
  @Override
  public String getHttpUpgradeName(boolean secure) {
    return "h2c";
  }

  /** The upgrade of a request in HTTP/1.1 is another thing, which nobody needs over TLS (T37). */
  @Override
  public boolean accept(Request request) {
    return false;
  }

  /** Tomcat tells a protocol that it has chosen itself of TLS, one that is found so only later. */
  @Override
  public Processor getProcessor(SocketWrapperBase<?> socket, Adapter adapter) {
    Processor processor = super.getProcessor(socket, adapter);
    processor.setSslSupport(socket.getSslSupport());
    return processor;
  }
}
