package io.meshnative.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.spi.TlsProvider;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Versions, suites and server names of one side. */
class EngineRulesTest {

  static Stream<TlsProvider> providers() {
    return Stream.of(TlsProvider.jsse(), Providers.conscrypt().orElseThrow());
  }

  private static SSLEngine engine(TlsProvider provider) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS", provider.provider());
    context.init(null, null, null);
    return context.createSSLEngine();
  }

  @ParameterizedTest
  @ValueSource(strings = {"db", "db.default.dc1.internal.x.consul", "A-1.b", "1.2", "xn--abc"})
  void aHostNameOfLettersDigitsAndInnerDashesIsSent(String name) {
    assertThat(EngineRules.isHostName(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "my_db.svc",
        "a b.c",
        "-x.y",
        "x-.y",
        "x.y-",
        "::1",
        "[::1]",
        "a/b",
        "a\u0000b",
        "\u00e4.de",
        "a\n",
        "spiffe://a/b",
        "*.a"
      })
  void whatAServerWouldEndTheHandshakeOnIsNotSent(String name) {
    assertThat(EngineRules.isHostName(name)).isFalse();
  }

  @Test
  void labelsAndNamesHaveTheirLengths() {
    assertThat(EngineRules.isHostName("a".repeat(63) + ".b")).isTrue();
    assertThat(EngineRules.isHostName("a".repeat(64) + ".b")).isFalse();
    assertThat(EngineRules.isHostName("a.".repeat(126) + "a")).isTrue();
    assertThat(EngineRules.isHostName("a.".repeat(126) + "aa")).isFalse();
  }

  @Test
  void aBadServerNameIsLeftOut() {
    SSLParameters parameters = new SSLParameters();
    EngineRules.of(false, false).offer(parameters, List.of(), Optional.of("my_db.svc"));
    assertThat(parameters.getServerNames()).isNull();
  }

  @ParameterizedTest
  @MethodSource("providers")
  void onlyEphemeralKeysAndAeadAreEnabled(TlsProvider provider) throws Exception {
    SSLEngine engine = engine(provider);
    EngineRules.of(true, true).apply(engine, false);
    assertThat(engine.getEnabledProtocols()).containsExactlyInAnyOrder("TLSv1.3", "TLSv1.2");
    assertThat(engine.getNeedClientAuth()).isTrue();
    assertThat(engine.getEnabledCipherSuites())
        .isNotEmpty()
        .allMatch(suite ->
            suite.startsWith("TLS_ECDHE_")
                || suite.startsWith("TLS_AES_")
                || suite.startsWith("TLS_CHACHA20_"))
        .allMatch(suite -> suite.contains("_GCM_") || suite.contains("CHACHA20"));
  }

  @ParameterizedTest
  @MethodSource("providers")
  void withoutTls12OnlyTls13IsSpoken(TlsProvider provider) throws Exception {
    SSLEngine engine = engine(provider);
    EngineRules.of(false, true).apply(engine, true);
    assertThat(engine.getEnabledProtocols()).containsExactly("TLSv1.3");
  }

  @Test
  void whatIsAskedForIsNarrowedNeverWidened() {
    String[] allowed = {"TLSv1.3", "TLSv1.2"};
    assertThat(EngineRules.restrict("protocols", new String[] {"TLSv1.1", "TLSv1.2"}, allowed))
        .containsExactly("TLSv1.2");
    assertThatThrownBy(() -> EngineRules.restrict("protocols", new String[] {"TLSv1.1"}, allowed))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
