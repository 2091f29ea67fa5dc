package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.KeyType;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** CAs with EC and RSA keys, and rotations from one to the other, through real handshakes. */
@Timeout(180)
class CaKeyTypesTest {

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void theCaGoesFromEcToRsaAndBackUnderAnOpenConnection(TlsKind tls) throws Exception {
    try (EmbeddedPlane plane = new EmbeddedPlane(EmbeddedControlPlane.start());
        Cast cast = new Cast(plane, tls.provider())) {
      MeshClient db = cast.client("db");
      MeshClient web = cast.client("web");
      Echo echo = cast.echo(db);
      plane.register("db", "db-1", "127.0.0.1", echo.port());
      Cast.awaitEndpoint(web, "db");
      SSLSocket kept = cast.keep(web.dial("db"));
      Echo.ping(kept);
      for (KeyType type : new KeyType[] {KeyType.RSA_2048, KeyType.EC_P384, KeyType.EC_P256}) {
        plane.plane().rotateRoot(type);
        Cast.await("db has a leaf of the new root", () -> signedByNewest(plane, db));
        Cast.await("web has a leaf of the new root", () -> signedByNewest(plane, web));
        try (SSLSocket fresh = web.dial("db")) {
          Echo.ping(fresh);
        }
        Echo.ping(kept);
      }
    }
  }

  private static boolean signedByNewest(EmbeddedPlane plane, MeshClient client) {
    X509Certificate leaf = client.identity().chain().get(0);
    return plane
            .plane()
            .authority()
            .certificate()
            .getSubjectX500Principal()
            .equals(leaf.getIssuerX500Principal())
        && verifies(leaf, plane.plane().authority().certificate());
  }

  private static boolean verifies(X509Certificate leaf, X509Certificate issuer) {
    try {
      leaf.verify(issuer.getPublicKey());
      return true;
    } catch (java.security.GeneralSecurityException e) {
      return false; // of another root
    }
  }

  @Test
  void aRealAgentsLeavesUnderAnRsaRootWork() throws Exception {
    RealPeers.requireConsul();
    try (ConsulAgent agent = ConsulAgent.start(true);
        Cast cast = new Cast(agent, TlsKind.CONSCRYPT.provider())) {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      String key =
          ConsulAgent.pem("PRIVATE KEY", generator.generateKeyPair().getPrivate().getEncoded())
              .replace("\n", "\\n");
      agent
          .api()
          .require(
              "PUT",
              "/v1/connect/ca/configuration",
              "{\"Provider\":\"consul\",\"Config\":{\"PrivateKey\":\""
                  + key
                  + "\",\"PrivateKeyType\":\"rsa\",\"PrivateKeyBits\":2048,\"RotationPeriod\":\"2160h\","
                  + "\"LeafCertTTL\":\"72h\"}}");
      MeshClient db = cast.client("db"); // asked for after the rotation: signed by the RSA root
      MeshClient web = cast.client("web");
      db.awaitReady(Duration.ofSeconds(60));
      assertThat(db.identity().chain().get(0).getSigAlgName()).contains("RSA");
      Echo echo = cast.echo(db);
      agent.register("db", "db-1", "127.0.0.1", echo.port());
      Cast.awaitEndpoint(web, "db");
      try (SSLSocket socket = web.dial("db")) {
        Echo.ping(socket);
      }
    }
  }
}
