package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.spi.TlsProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLSocket;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A whole application of Spring Boot on each of its web servers, beside the main connector and
 * instead of it, is served to whom an intention lets, whatever changes under way. One application
 * serves all tests of a row.
 */
@ParameterizedClass(name = "{0}, {1}, {2}, {3}")
@CsvSource({
  "EMBEDDED, TOMCAT, primary, CONSCRYPT",
  "EMBEDDED, TOMCAT, additional, JSSE",
  "EMBEDDED, JETTY, primary, JSSE",
  "EMBEDDED, JETTY, additional, CONSCRYPT",
  "EMBEDDED, NETTY, primary, CONSCRYPT",
  "EMBEDDED, NETTY, additional, JSSE",
  "CONSUL, TOMCAT, primary, JSSE",
  "CONSUL, JETTY, additional, CONSCRYPT",
  "CONSUL, NETTY, primary, JSSE"
})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BootServersContractTest {
  private static final String WEB = "web";

  @Parameter(0)
  PlaneKind kind;

  @Parameter(1)
  BootServer server;

  @Parameter(2)
  String mode;

  @Parameter(3)
  TlsKind tls;

  private Plane plane;
  private ConfigurableApplicationContext shop;
  private Cast cast;

  @BeforeParameterizedClassInvocation
  void startApplication() throws IOException {
    plane = kind.start(true);
    shop =
        Boot.start(
            server.application,
            plane,
            server.type,
            "mesh-native.server.mode=" + mode,
            "mesh-native.register.enabled=true",
            "test.tls=" + tls);
  }

  @AfterParameterizedClassInvocation
  void stopApplication() {
    if (shop != null) {
      shop.close();
    }
    if (plane != null) {
      plane.close();
    }
  }

  @BeforeEach
  void beginWithNobody() {
    cast = new Cast(plane, tls.provider());
  }

  @AfterEach
  void leaveNothing() throws Exception {
    cast.close();
    plane.removeAllIntentions();
  }

  private OkHttpClient served(MeshClient caller, int kept) {
    OkHttpClient http = Boot.http(caller, kept);
    Boot.awaitServed(http, caller.service(), true);
    return http;
  }

  @Test
  void anIntentionDecidesAndDecidesAgain() throws Exception {
    OkHttpClient http = served(cast.lawless(WEB), 5);

    plane.deny(WEB, Boot.SHOP);
    Boot.awaitServed(http, WEB, false);
    MeshClient batch = cast.client("batch");
    Boot.awaitServed(Boot.http(batch, 0), "batch", true);

    plane.allow(WEB, Boot.SHOP);
    Boot.awaitServed(http, WEB, true);
  }

  @Test
  void theMainConnectorIsTheMeshOrIsLeftAlone() throws Exception {
    String main = shop.getEnvironment().getRequiredProperty("local.server.port");
    String mesh = shop.getEnvironment().getRequiredProperty("local.mesh.port");
    if (mode.equals("primary")) {
      assertThat(mesh).isEqualTo(main);
    } else {
      assertThat(Boot.get(new OkHttpClient(), "http://127.0.0.1:" + main + "/"))
          .isEqualTo("200 hello nobody");
    }
  }

  @Test
  void aRotationRenewsTheLeafAndFailsNoRequest() throws Exception {
    MeshClient web = cast.client(WEB);
    OkHttpClient kept = served(web, 5);
    OkHttpClient fresh = Boot.http(web, 0);
    X509Certificate before = leaf(web);
    try (SteadyRequests requests =
        SteadyRequests.start(() -> assertServed(kept), () -> assertServed(fresh))) {
      plane.rotateRoot();
      Cast.await(
          "the application has a leaf of the new root, and web trusts it",
          () ->
              !leaf(web).getIssuerX500Principal().equals(before.getIssuerX500Principal())
                  || !leaf(web).getSerialNumber().equals(before.getSerialNumber()));
      requests.awaitMore();
      requests.assertNoneFailed();
    }
  }

  private static void assertServed(OkHttpClient http) throws IOException {
    assertThat(Boot.get(http, "https://shop.mesh/")).isEqualTo("200 hello web");
  }

  private static X509Certificate leaf(MeshClient web) throws IOException {
    try (SSLSocket socket = web.dial(Boot.SHOP)) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  @Test
  void aSessionThatIsResumedIsDecidedLikeANewOne() throws Exception {
    MeshClient web =
        cast.ready(
            plane.lawlessClient(WEB).tlsProvider(TlsProvider.jsse()).sessionResumption(true));
    Cast.awaitEndpoint(web, Boot.SHOP);
    Cast.await("a session is there to resume", () -> isServed(web));
    if (tls == TlsKind.JSSE) { // by default BoringSSL resumes nothing here
      Cast.await("it is resumed", () -> isServed(web) && web.snapshot().resumedHandshakes() > 0);
    }

    plane.deny(WEB, Boot.SHOP);

    Cast.await("it is refused", () -> !isServed(web));
    for (int i = 0; i < 5; i++) {
      assertThat(isServed(web)).as("attempt %s after the refusal", i).isFalse();
    }
  }

  /** Asks by a connection of its own, on TLS that OkHttp does not make. */
  private static boolean isServed(MeshClient web) {
    try (SSLSocket socket = web.dial(Boot.SHOP)) {
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      socket
          .getOutputStream()
          .write(
              "GET / HTTP/1.1\r\nHost: shop.mesh\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return answer.startsWith("HTTP/1.1 200");
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void theCatalogKnowsHowTheApplicationIs() throws Exception {
    awaitCheck("passing");
    AvailabilityChangeEvent.publish(shop, ReadinessState.REFUSING_TRAFFIC);
    awaitCheck("critical");
    AvailabilityChangeEvent.publish(shop, ReadinessState.ACCEPTING_TRAFFIC);
    awaitCheck("passing");
    served(cast.client(WEB), 0);
  }

  private void awaitCheck(String status) {
    Cast.await(
        "its check is " + status,
        () ->
            plane
                .api()
                .require("GET", "/v1/agent/checks", "")
                .matches("(?s).*\"Status\"\\s*:\\s*\"" + status + "\".*"));
  }
}
