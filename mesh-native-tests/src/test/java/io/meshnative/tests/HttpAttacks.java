package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * The rows of the threat list that concern an HTTP server, by raw bytes on the wire. A server has
 * them all by a class of one line:
 *
 * <pre>{@code
 * class JettyAttacksTest extends HttpAttacks {
 *   JettyAttacksTest() {
 *     super(HttpServerKind.JETTY, TlsKind.CONSCRYPT);
 *   }
 * }
 * }</pre>
 */
@Timeout(600)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class HttpAttacks {
  private final HttpServerKind kind;
  private final TlsKind tls;
  private HttpWorld world;

  HttpAttacks(HttpServerKind kind, TlsKind tls) {
    this.kind = kind;
    this.tls = tls;
  }

  @BeforeAll
  void start() throws Exception {
    world = new HttpWorld(kind, tls);
  }

  @BeforeEach
  void forget() {
    world.application.forget();
  }

  @AfterAll
  void stop() throws Exception {
    world.close();
  }

  @Test
  void anAllowedRequestIsServedAndADeniedOneIsNot() throws Exception {
    world.rules("{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/public/\"}}");
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      assertThat(web.ask("GET", "/public/a").status()).isEqualTo(200);
      RawHttp.Answer denied = web.ask("GET", "/admin/a");
      assertThat(denied.status()).isEqualTo(403);
      assertThat(denied.header("mesh-refusal")).isEqualTo("default");
      assertThat(denied.body()).isEqualTo("default\n");
    }
    assertThat(world.application.seen())
        .extracting(RecordingApplication.Seen::path)
        .containsExactly("/public/a");
  }
}
