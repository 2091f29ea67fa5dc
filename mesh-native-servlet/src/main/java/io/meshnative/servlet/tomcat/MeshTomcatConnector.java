package io.meshnative.servlet.tomcat;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import java.util.Objects;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;

/**
 * A connector of embedded Tomcat that accepts the mesh: mutual TLS with the service's identity, and
 * intentions down to methods, paths and headers.
 *
 * <pre>{@code
 * Tomcat tomcat = new Tomcat();
 * MeshTomcatConnector connector = new MeshTomcatConnector(mesh);
 * connector.setPort(9443);
 * tomcat.getService().addConnector(connector);
 * // contexts and servlets as ever
 * tomcat.start();
 * }</pre>
 *
 * <p><b>What sees every request.</b> Filters see the requests of one context that are mapped to
 * them; valves see what reaches their container, after Tomcat has mapped it, and may be moved. So
 * requests are judged below all of them, by the adapter between Tomcat's protocol and its
 * containers: the connector's own protocol puts it there and lets nobody put another in its place.
 * Whatever the network sends, HTTP/1.1 or HTTP/2, mapped or not, the first code that meets it is
 * the judgement, on the target as it came, and the containers route on the same bytes. What the
 * protocol itself refuses never reaches an error page of an application. The gate (see {@link
 * RequestGate}) is armed when the connector starts, after this was looked up, and disarmed when it
 * stops. {@code MeshAuthorizationFilter} is not needed, and does nothing more where it is
 * installed.
 *
 * <p>The peer is a request attribute (see {@link io.meshnative.servlet.MeshPeers}) and the
 * request's principal, with {@code CLIENT_CERT} as the type of authentication, unless the
 * application has authenticated somebody itself. Headers by which callers could claim an identity
 * are taken out. When a right is withdrawn, running requests end: the transport is closed, reads
 * and writes throw, asynchronous requests end by their {@code onError}. Tomcat offers no way to
 * reset one stream of HTTP/2 from outside, so the other requests of that connection end too.
 *
 * <p>TLS goes through {@code SSLHostConfigCertificate.setSslContext}: there is no file and nothing
 * to reload. Which protocol a connection speaks is decided by its first bytes, because there are
 * peers whose ALPN does not tell. The parser is as strict as Tomcat's defaults, and paths that
 * Tomcat could be configured to read otherwise are refused before it reads them. Other connectors
 * are left alone.
 */
public final class MeshTomcatConnector extends Connector {
  private final RequestGate gate;

  /**
   * Makes a connector; the caller sets its port and adds it to a service.
   *
   * @param mesh whose identity the server has; must stay open as long as the connector runs
   */
  public MeshTomcatConnector(MeshClient mesh) {
    this(Objects.requireNonNull(mesh, "mesh"), mesh.requestGate());
  }

  private MeshTomcatConnector(MeshClient mesh, RequestGate gate) {
    super(new MeshProtocol(mesh, gate));
    this.gate = gate;
    setScheme("https");
    setSecure(true);
    setThrowOnFailure(true); // Tomcat would log it and start without
  }

  /**
   * Tells whether requests are being judged.
   *
   * @return true while the connector runs
   */
  public boolean isArmed() {
    return gate.isArmed();
  }

  @Override
  public Request createRequest(org.apache.coyote.Request coyote) {
    return new MeshTomcatRequest(this, coyote);
  }

  @Override
  protected void startInternal() throws LifecycleException {
    ((MeshProtocol) getProtocolHandler()).requireJudgement();
    gate.arm();
    boolean started = false;
    try {
      super.startInternal();
      started = true;
    } finally {
      if (!started) {
        gate.disarm();
      }
    }
  }

  @Override
  protected void stopInternal() throws LifecycleException {
    try {
      super.stopInternal();
    } finally {
      gate.disarm();
    }
  }
}
