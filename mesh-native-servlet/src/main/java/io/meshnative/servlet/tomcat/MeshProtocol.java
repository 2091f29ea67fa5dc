package io.meshnative.servlet.tomcat;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import io.meshnative.servlet.internal.RequestJudge;
import org.apache.catalina.LifecycleException;
import org.apache.coyote.Adapter;
import org.apache.coyote.http11.Http11NioProtocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;

/**
 * HTTP over connections of the mesh.
 *
 * <p>Invariant: whatever adapter the connector sets, the one that requests meet is a {@link
 * MeshAdapter} before it.
 */
final class MeshProtocol extends Http11NioProtocol {
  private final MeshClient mesh;

  MeshProtocol(MeshClient mesh, RequestGate gate) {
    super(new MeshEndpoint());
    this.mesh = mesh;
    setSSLEnabled(true);
    // Never OpenSSL by Tomcat's own choice: the engines are the mesh's.
    setSslImplementationName(JSSEImplementation.class.getName());
    setUseSendfile(false); // it writes below whoever could stop it
    addUpgradeProtocol(new MeshHttp2());
    SSLHostConfig host = new SSLHostConfig();
    host.setCertificateVerification("required");
    SSLHostConfigCertificate certificate =
        new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.EC);
    certificate.setSslContext(new MeshTomcatContext(mesh, gate));
    host.addCertificate(certificate);
    addSslHostConfig(host);
  }

  private MeshEndpoint endpoint() {
    return (MeshEndpoint) getEndpoint();
  }

  @Override
  public void setAdapter(Adapter adapter) {
    super.setAdapter(
        adapter instanceof MeshAdapter
            ? adapter
            : new MeshAdapter(adapter, mesh, new RequestJudge(mesh), endpoint()));
  }

  /** Proves that every request will be judged, and that every connection is of the mesh. */
  void requireJudgement() throws LifecycleException {
    if (!(getAdapter() instanceof MeshAdapter)) {
      throw new LifecycleException(
          "expected the mesh's adapter before Tomcat's containers, found " + getAdapter());
    }
    for (SSLHostConfig host : findSslHostConfigs()) {
      for (SSLHostConfigCertificate certificate : host.getCertificates()) {
        if (!(certificate.getSslContext() instanceof MeshTomcatContext)) {
          throw new LifecycleException(
              "expected TLS of the mesh for every host name of a mesh connector, found another"
                  + " certificate for "
                  + host.getHostName()
                  + "; add it to a connector of its own");
        }
      }
    }
  }
}
