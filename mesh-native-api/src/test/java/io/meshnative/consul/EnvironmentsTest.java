package io.meshnative.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The environments of docs/kubernetes.md and docs/nomad.md, replayed. */
class EnvironmentsTest {
  @TempDir Path task;
  private final Map<String, String> environment = new HashMap<>();

  private ConsulConfig config() {
    return ConsulConfig.fromEnvironment(environment);
  }

  /** What Nomad tells each task. */
  @BeforeEach
  void nomadDirectories() throws IOException {
    Files.createDirectories(task.resolve("secrets"));
    Files.createDirectories(task.resolve("alloc/tmp"));
  }

  private void inNomad() {
    environment.put("NOMAD_ALLOC_ID", "5fc7e9f2-0000-0000-0000-000000000000");
    environment.put("NOMAD_SECRETS_DIR", task.resolve("secrets").toString());
    environment.put("NOMAD_ALLOC_DIR", task.resolve("alloc").toString());
  }

  @Test
  void nomadBridgeModeMeansAUnixSocketWithTlsInside() {
    inNomad();
    environment.put("CONSUL_HTTP_ADDR", "unix:///alloc/tmp/consul_http.sock");
    environment.put("CONSUL_HTTP_SSL", "true");
    environment.put("CONSUL_HTTP_SSL_VERIFY", "true");
    environment.put("CONSUL_TLS_SERVER_NAME", "localhost");
    environment.put("CONSUL_CACERT", "/secrets/consul_ca_file.pem");
    environment.put("CONSUL_CLIENT_CERT", "/secrets/consul_cert_file.pem");
    environment.put("CONSUL_CLIENT_KEY", "/secrets/consul_key_file.pem");
    environment.put("CONSUL_HTTP_TOKEN", "from-nomad");
    ConsulConfig config = config();
    assertThat(config.address()).hasToString("unix:///alloc/tmp/consul_http.sock");
    assertThat(config.usesTls(config.address())).isTrue();
    assertThat(config.tlsServerName()).contains("localhost");
    assertThat(config.caFile()).contains(Path.of("/secrets/consul_ca_file.pem"));
    assertThat(config.currentToken()).contains("from-nomad");
  }

  @Test
  void nomadBridgeModeWithoutTlsIsPlaintextOnTheSocket() {
    inNomad();
    environment.put("CONSUL_HTTP_ADDR", "unix:///alloc/tmp/consul_http.sock");
    ConsulConfig config = config();
    assertThat(config.usesTls(config.address())).isFalse();
    assertThat(config.toString()).doesNotContain("TLS");
  }

  @Test
  void aNomadTaskWithoutAContainerFindsItsFilesInItsOwnDirectories() throws IOException {
    inNomad();
    Path ca = Files.writeString(task.resolve("secrets/consul_ca_file.pem"), "x");
    Path socket = Files.writeString(task.resolve("alloc/tmp/consul_http.sock"), "");
    environment.put("CONSUL_HTTP_ADDR", "unix:///alloc/tmp/consul_http.sock");
    environment.put("CONSUL_CACERT", "/secrets/consul_ca_file.pem");
    environment.put("CONSUL_CAPATH", "/secrets/missing");
    ConsulConfig config = config();
    assertThat(config.address()).hasToString("unix://" + socket);
    assertThat(config.caFile()).contains(ca);
    assertThat(config.caDirectory()).contains(Path.of("/secrets/missing"));
  }

  @Test
  void nomadHostNetworkWithOnlyTheSslSwitchesMeansTheAgentOnThisMachine() {
    inNomad();
    environment.put("CONSUL_HTTP_SSL", "true");
    environment.put("CONSUL_HTTP_SSL_VERIFY", "true");
    assertThat(config().address()).hasToString("https://127.0.0.1:8500");
    environment.put("CONSUL_HTTP_SSL", "false");
    assertThat(config().address()).hasToString("http://127.0.0.1:8500");
  }

  @Test
  void nomadsServiceIdentityTokenIsUsedWhereNoOtherIsSet() throws IOException {
    inNomad();
    assertThat(config().currentToken()).isEmpty();
    Files.writeString(task.resolve("secrets/si_token"), "si\n");
    assertThat(config().currentToken()).contains("si");
    environment.put("CONSUL_TOKEN", "workload");
    assertThat(config().currentToken()).contains("workload");
    environment.put("CONSUL_HTTP_TOKEN", "given");
    assertThat(config().currentToken()).contains("given");
    environment.remove("NOMAD_ALLOC_ID");
    environment.remove("CONSUL_HTTP_TOKEN");
    assertThat(config().currentToken()).as("outside of Nomad").isEmpty();
  }

  @Test
  void aNodeAgentOfConsulK8sBefore10IsReachedByTheNodesAddress() throws IOException {
    Path token = Files.writeString(task.resolve("acl-token"), "injected\n");
    environment.put("CONSUL_HTTP_ADDR", "https://10.0.0.9:8501");
    environment.put("CONSUL_CACERT", "/consul/connect-inject/consul-ca.pem");
    environment.put("CONSUL_HTTP_TOKEN_FILE", token.toString());
    ConsulConfig config = config();
    assertThat(config.address()).hasToString("https://10.0.0.9:8501");
    assertThat(config.currentToken()).contains("injected");
  }

  @Test
  void theServersOfConsulK8sFrom10OnAreReachedByNameAndLogin() {
    environment.put("CONSUL_HTTP_ADDR", "https://consul-server.consul.svc:8501");
    environment.put("CONSUL_CACERT", "/consul/ca/tls.crt");
    environment.put("CONSUL_TLS_SERVER_NAME", "server.dc1.consul");
    environment.put("CONSUL_LOGIN_AUTH_METHOD", "consul-k8s-auth-method");
    environment.put(
        "CONSUL_LOGIN_BEARER_TOKEN_FILE", "/var/run/secrets/kubernetes.io/serviceaccount/token");
    environment.put("CONSUL_LOGIN_META", "pod=shop/web-0");
    environment.put("CONSUL_LOGIN_DATACENTER", "dc1");
    ConsulConfig config = config();
    ConsulLogin login = config.login().orElseThrow();
    assertThat(login.authMethod()).isEqualTo("consul-k8s-auth-method");
    assertThat(login.bearerTokenFile()).isEqualTo(ConsulLogin.KUBERNETES_TOKEN);
    assertThat(login.meta()).containsExactly(Map.entry("pod", "shop/web-0"));
    assertThat(login.datacenter()).contains("dc1");
    assertThat(config.currentToken()).isEmpty();
    assertThat(config.toString()).contains("login by consul-k8s-auth-method");
  }

  @Test
  void aLoginNeedsNoMoreThanItsMethod() {
    environment.put("CONSUL_LOGIN_AUTH_METHOD", "k8s");
    environment.put("CONSUL_LOGIN_NAMESPACE", "default");
    environment.put("CONSUL_LOGIN_PARTITION", "p1");
    ConsulLogin login = config().login().orElseThrow();
    assertThat(login.bearerTokenFile()).isEqualTo(ConsulLogin.KUBERNETES_TOKEN);
    assertThat(login.namespace()).contains("default");
    assertThat(login.partition()).contains("p1");
    assertThat(login.meta()).isEmpty();
  }

  @Test
  void tokenAndLoginTogetherAreRefusedAndWhatIsSetInTheProgramWins() {
    environment.put("CONSUL_LOGIN_AUTH_METHOD", "k8s");
    environment.put("CONSUL_HTTP_TOKEN", "hunter2");
    assertThatIllegalArgumentException()
        .isThrownBy(this::config)
        .withMessageContaining("CONSUL_LOGIN_AUTH_METHOD")
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
    ConsulConfig explicit = ConsulConfig.builder().token("mine").environment(environment).build();
    assertThat(explicit.login()).isEmpty();
    assertThat(explicit.currentToken()).contains("mine");
  }

  @ParameterizedTest
  @ValueSource(strings = {"pod", "=x", "a=1,", ","})
  void loginMetaThatIsNoneIsRefused(String meta) {
    environment.put("CONSUL_LOGIN_AUTH_METHOD", "k8s");
    environment.put("CONSUL_LOGIN_META", meta);
    assertThatIllegalArgumentException()
        .isThrownBy(this::config)
        .withMessageContaining("CONSUL_LOGIN_META");
  }

  @Test
  void severalAddressesKeepTheirOrderAndEachIsCheckedLikeOne() {
    ConsulConfig config =
        ConsulConfig.builder()
            .addresses("https://a:8501", "unix:///run/consul.sock", "127.0.0.1:8500")
            .build();
    assertThat(config.addresses())
        .extracting(ConsulAddress::toString)
        .containsExactly("https://a:8501", "unix:///run/consul.sock", "http://127.0.0.1:8500");
    assertThat(config.address()).isEqualTo(config.addresses().get(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.builder().addresses("https://a:1", "http://b:1").build())
        .withMessageContaining("plaintext");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.builder().addresses("https://a:1", "https://a:1").build())
        .withMessageContaining("twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConsulConfig.builder().addresses().build());
  }
}
