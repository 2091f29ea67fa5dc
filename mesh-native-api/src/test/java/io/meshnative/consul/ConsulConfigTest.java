package io.meshnative.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConsulConfigTest {
  private static final String SECRET = "0f0f0f0f-1111-2222-3333-444444444444";

  @Test
  void anEmptyEnvironmentMeansTheAgentOnThisMachineWithoutAToken() {
    ConsulConfig config = ConsulConfig.fromEnvironment(Map.of());

    assertThat(config.address()).hasToString("http://127.0.0.1:8500");
    assertThat(config.currentToken()).isEmpty();
    assertThat(config.verify()).isTrue();
    assertThat(config.namespace()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:8500, http://127.0.0.1:8500",
    "localhost:28500, http://localhost:28500",
    "http://127.9.9.9:1, http://127.9.9.9:1",
    "http://[::1]:8500, http://[::1]:8500",
    "https://consul.example:8501, https://consul.example:8501",
    "https://consul.example, https://consul.example:443",
    "https://consul_agent:8501/behind/proxy/, https://consul_agent:8501/behind/proxy",
    "unix:///alloc/tmp/consul_http.sock, unix:///alloc/tmp/consul_http.sock",
  })
  void anAddressIsReadAsConsulsClientsDo(String text, String expected) {
    assertThat(ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_ADDR", text)).address())
        .hasToString(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ftp://x:1",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:8500/prefix",
        ":8500",
        "http://",
        "http://[::1:8500",
        "http://[fe80::1%eth0]:8500",
        "http://a b:1",
        "https://user:hunter2@consul:8501",
        "https://consul:8501/a/../b",
        "https://consul:8501/?token=hunter2",
        "https://consul:8501/#x",
        "unix://relative.sock",
        "HTTP://127.0.0.1:8500"
      })
  void anAddressThatIsNoneIsRefusedAndNotShown(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_ADDR", text)))
        .withMessageContaining("address of the Consul agent")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://10.0.0.1:8500",
        "consul.example:8500",
        "http://1270.0.0.1:1",
        "http://[::2]:1"
      })
  void t15PlaintextToAnotherMachineIsRefusedUnlessAllowed(String address) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_ADDR", address)))
        .withMessageContaining("allowPlaintext(true)");
    ConsulConfig allowed =
        ConsulConfig.builder()
            .environment(Map.of("CONSUL_HTTP_ADDR", address))
            .allowPlaintext(true)
            .build();
    assertThat(allowed.address().scheme()).isEqualTo(ConsulAddress.Scheme.HTTP);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "t", "T", "TRUE", "true", "True"})
  void sslTurnsTlsOnAlsoForAnHttpAddress(String value) {
    ConsulConfig config =
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_ADDR", "http://10.0.0.1:8501", "CONSUL_HTTP_SSL", value));
    assertThat(config.address()).hasToString("https://10.0.0.1:8501");
  }

  @Test
  void sslSetToFalseDoesNotTurnAnHttpsAddressOff() {
    ConsulConfig config =
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_ADDR", "https://10.0.0.1:8501", "CONSUL_HTTP_SSL", "false"));
    assertThat(config.address().scheme()).isEqualTo(ConsulAddress.Scheme.HTTPS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"CONSUL_HTTP_SSL", "CONSUL_HTTP_SSL_VERIFY"})
  void aSwitchThatCannotBeReadFailsInsteadOfSwitchingVerificationOff(String name) {
    for (String value : new String[] {"yes", "no", "tRUE", " true", "2", "off"}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of(name, value)))
          .withMessageContaining(name);
    }
  }

  @Test
  void anEmptyVariableCountsAsUnset() {
    ConsulConfig config =
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_ADDR", "", "CONSUL_HTTP_TOKEN", "", "CONSUL_HTTP_SSL_VERIFY", ""));
    assertThat(config.address().port()).isEqualTo(8500);
    assertThat(config.currentToken()).isEmpty();
    assertThat(config.verify()).isTrue();
  }

  @Test
  void theTokenFileWinsIsTrimmedAndReadAgainWhenItChanges(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("token");
    Files.writeString(file, "\n first-token \r\n");
    ConsulConfig config =
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_TOKEN", "other", "CONSUL_HTTP_TOKEN_FILE", file.toString()));
    assertThat(config.currentToken()).contains("first-token");
    Files.writeString(file, "second-token");
    assertThat(config.currentToken()).contains("second-token");
  }

  @Test
  void aTokenFileThatCannotBeReadOrIsEmptyIsAnError(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("missing");
    assertThatIllegalArgumentException()
        .isThrownBy(() ->
            ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_TOKEN_FILE", missing.toString())))
        .withMessageContaining("CONSUL_HTTP_TOKEN_FILE");
    Path empty = Files.writeString(folder.resolve("empty"), " \n");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_TOKEN_FILE", empty.toString())));
  }

  @Test
  @Timeout(60)
  void t52ATokenFileThatIsAPipeIsRefusedAndNotWaitedFor(@TempDir Path folder) throws Exception {
    Path pipe = folder.resolve("pipe");
    Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
    assumeTrue(made.waitFor() == 0, "no mkfifo here");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_TOKEN_FILE", pipe.toString())))
        .withMessageContaining("CONSUL_HTTP_TOKEN_FILE")
        .withMessageContaining("expected a regular file, found a pipe");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulLogin.of("jwt", pipe).currentBearerToken())
        .withMessageContaining("expected a regular file, found a pipe");
  }

  @ParameterizedTest
  @ValueSource(strings = {"hunter2 hunter2", "hunter2\n", "hunter2\u00e9"})
  void t51ATokenThatNoHeaderCanCarryIsRefusedWithoutShowingIt(String token) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_TOKEN", token)))
        .withMessageContaining("CONSUL_HTTP_TOKEN")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
  }

  @Test
  void t51NoSecretShowsInToString() {
    ConsulConfig config =
        ConsulConfig.builder().token(SECRET).basicAuth("anna", "hunter2").namespace("team").build();
    assertThat(config.toString())
        .doesNotContain(SECRET)
        .doesNotContain("hunter2")
        .contains("with a token");
  }

  @ParameterizedTest
  @CsvSource({"anna:hunter2, anna:hunter2", "anna, anna:", "anna:a:b, anna:a:b"})
  void basicAuthIsSplitAtTheFirstColon(String value, String expected) {
    assertThat(ConsulConfig.fromEnvironment(Map.of("CONSUL_HTTP_AUTH", value)).basicAuth())
        .contains(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY"})
  void aClientCertificateNeedsItsKeyAndTheKeyItsCertificate(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of(name, "/x.pem")))
        .withMessageContaining("both client certificate and key");
  }

  @ParameterizedTest
  @CsvSource({
    "server.dc1.consul, server.dc1.consul",
    "server.dc1.consul:8501, server.dc1.consul",
    "localhost, localhost"
  })
  void aPortIsRemovedFromTheServerName(String value, String expected) {
    assertThat(
            ConsulConfig.fromEnvironment(Map.of("CONSUL_TLS_SERVER_NAME", value)).tlsServerName())
        .contains(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "::1", "a b", "-x", "x/y"})
  void aServerNameThatIsNoHostNameIsRefused(String value) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.fromEnvironment(Map.of("CONSUL_TLS_SERVER_NAME", value)))
        .withMessageContaining("CONSUL_TLS_SERVER_NAME");
  }

  @Test
  void theOtherVariablesAreTaken() {
    ConsulConfig config =
        ConsulConfig.fromEnvironment(
            Map.of(
                "CONSUL_CACERT", "/ca.pem",
                "CONSUL_CAPATH", "/cas",
                "CONSUL_CLIENT_CERT", "/c.pem",
                "CONSUL_CLIENT_KEY", "/k.pem",
                "CONSUL_HTTP_SSL_VERIFY", "0",
                "CONSUL_NAMESPACE", "team-a",
                "CONSUL_PARTITION", "part-b"));
    assertThat(config.caFile()).contains(Path.of("/ca.pem"));
    assertThat(config.caDirectory()).contains(Path.of("/cas"));
    assertThat(config.clientCertificate()).contains(Path.of("/c.pem"));
    assertThat(config.clientKey()).contains(Path.of("/k.pem"));
    assertThat(config.verify()).isFalse();
    assertThat(config.namespace()).contains("team-a");
    assertThat(config.partition()).contains("part-b");
    assertThat(config.toString()).contains("NOT verified");
  }

  @Test
  void whatIsSetExplicitlyWinsOverTheEnvironment(@TempDir Path folder) {
    ConsulConfig config =
        ConsulConfig.builder()
            .address("127.0.0.1:1")
            .token("mine")
            .environment(
                Map.of(
                    "CONSUL_HTTP_ADDR", "127.0.0.1:2",
                    "CONSUL_HTTP_TOKEN", "theirs",
                    "CONSUL_HTTP_TOKEN_FILE", folder.resolve("missing").toString()))
            .build();
    assertThat(config.address().port()).isEqualTo(1);
    assertThat(config.currentToken()).contains("mine");
  }

  @Test
  void aSettingGivenTwiceIsRefused() {
    assertThatThrownBy(() -> ConsulConfig.builder().token("a").token("a"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("token");
    assertThatThrownBy(() -> ConsulConfig.builder().address("a:1").address("b:1"))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(
            () -> ConsulConfig.builder().tolerateIntentionField("X").tolerateIntentionField("X"))
        .isInstanceOf(IllegalStateException.class);
    assertThat(
            ConsulConfig.builder()
                .tolerateIntentionField("X")
                .tolerateIntentionField("Y")
                .build()
                .toleratedIntentionFields())
        .containsExactlyInAnyOrder("X", "Y");
  }
}
