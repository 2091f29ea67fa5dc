package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.servlet.tomcat.MeshTomcatConnector;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.CoyoteAdapter;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The gate is armed while the connector runs, which nothing gets in front of. */
@Timeout(600)
class TomcatGateTest {
  @TempDir Path base;
  private final Tomcat tomcat = new Tomcat();
  private EmbeddedControlPlane plane;
  private MeshClient mesh;
  private MeshTomcatConnector connector;

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedControlPlane.start();
    mesh =
        MeshClient.builder("api")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    mesh.awaitReady(GUARD);
    tomcat.setBaseDir(base.toString());
    connector = new MeshTomcatConnector(mesh);
    connector.setPort(0);
    connector.setProperty("address", "127.0.0.1");
    tomcat.getService().addConnector(connector);
  }

  @AfterEach
  void leave() throws Exception {
    tomcat.stop();
    tomcat.destroy();
    mesh.close();
    plane.close();
  }

  @Test
  void itIsArmedWhileTheConnectorRuns() throws Exception {
    assertThat(connector.isArmed()).isFalse();
    tomcat.start();
    assertThat(connector.isArmed()).isTrue();
    connector.stop();
    assertThat(connector.isArmed()).isFalse();
    connector.start();
    assertThat(connector.isArmed()).isTrue();
  }

  @Test
  void nobodyPutsAnotherAdapterBeforeTheJudgement() throws Exception {
    tomcat.start();
    CoyoteAdapter other = new CoyoteAdapter(connector);
    connector.getProtocolHandler().setAdapter(other);
    assertThat(connector.getProtocolHandler().getAdapter())
        .isNotSameAs(other)
        .extracting(adapter -> adapter.getClass().getSimpleName())
        .isEqualTo("MeshAdapter");
  }

  @Test
  void aCertificateThatIsNotOfTheMeshIsRefusedAtTheStart() throws Exception {
    SSLHostConfig other = new SSLHostConfig();
    other.setHostName("other.test");
    SSLHostConfigCertificate certificate =
        new SSLHostConfigCertificate(other, SSLHostConfigCertificate.Type.EC);
    certificate.setSslContext(new Foreign());
    other.addCertificate(certificate);
    connector.addSslHostConfig(other);
    connector.init();
    assertThatThrownBy(connector::start)
        .isInstanceOf(LifecycleException.class)
        .hasStackTraceContaining("expected TLS of the mesh for every host name");
    assertThat(connector.isArmed()).isFalse();
  }

  /** A context of somebody else. */
  private static final class Foreign implements org.apache.tomcat.util.net.SSLContext {
    private final SSLContext context;

    Foreign() throws NoSuchAlgorithmException {
      context = SSLContext.getDefault();
    }

    @Override
    public void init(KeyManager[] keys, TrustManager[] trust, SecureRandom random) {}

    @Override
    public void destroy() {}

    @Override
    public SSLSessionContext getServerSessionContext() {
      return context.getServerSessionContext();
    }

    @Override
    public SSLEngine createSSLEngine() {
      return context.createSSLEngine();
    }

    @Override
    public SSLServerSocketFactory getServerSocketFactory() {
      return context.getServerSocketFactory();
    }

    @Override
    public SSLParameters getSupportedSSLParameters() {
      return context.getSupportedSSLParameters();
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return new X509Certificate[0];
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
