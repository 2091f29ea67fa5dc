package io.meshnative.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against answers in the shape that Vault and OpenBao give. */
class VaultDatabaseCredentialsTest {
  private static final Instant NOW = Instant.parse("2026-11-21T09:00:00Z");
  private static final String CREDS =
      """
      {"request_id":"0f3c7d6e-5b0a-4b8e-a4b8-8c0d6f7f9a10",
       "lease_id":"database/creds/orders/Gh2fJk9","renewable":true,"lease_duration":3600,
       "data":{"password":"A1a-pAssw0rd","username":"v-token-orders-x7"},
       "wrap_info":null,"warnings":null,"auth":null,"mount_type":"database"}
      """;
  private static final String LOGIN =
      """
      {"request_id":"1d3c","lease_id":"","renewable":false,"lease_duration":0,"data":null,
       "wrap_info":null,"warnings":null,
       "auth":{"client_token":"hvs.fresh","accessor":"acc","policies":["default","orders"],
         "token_policies":["default","orders"],"metadata":{"role_name":"orders"},
         "lease_duration":1200,"renewable":true,"entity_id":"e","token_type":"service",
         "orphan":true,"mfa_requirement":null,"num_uses":0}}
      """;

  /** Vault shortens what it gives as the most that it may give comes near, and says so. */
  private static final String CAPPED =
      """
      {"request_id":"f142bfa3","lease_id":"database/creds/orders/Gh2fJk9","renewable":true,
       "lease_duration":51,"data":null,"wrap_info":null,
       "warnings":["TTL of \\"1m\\" exceeded the effective max_ttl of \\"51s\\"; TTL value is capped accordingly"],
       "auth":null}
      """;

  private static final String STATIC =
      """
      {"request_id":"0d9b93b8","lease_id":"","renewable":false,"lease_duration":0,
       "data":{"last_vault_rotation":"2026-11-21T13:07:45.389229482Z","password":"mNfwk06rlf5",
         "rotation_period":86400,"ttl":7200,"username":"orders"},
       "wrap_info":null,"warnings":null,"auth":null}
      """;
  private static final String RENEWED =
      """
      {"request_id":"2d3c","lease_id":"database/creds/orders/Gh2fJk9","renewable":true,
       "lease_duration":1800,"data":null,"wrap_info":null,"warnings":null,"auth":null}
      """;

  @TempDir Path directory;
  private final MockWebServer vault = new MockWebServer();
  private Instant now = NOW;
  private int seen;

  @BeforeEach
  void start() throws IOException {
    vault.start();
  }

  @AfterEach
  void stop() {
    vault.close();
  }

  private void answer(int status, String body) {
    vault.enqueue(
        new MockResponse.Builder()
            .code(status)
            .addHeader("Content-Type", "application/json")
            .body(body)
            .build());
  }

  private VaultDatabaseCredentials.Builder builder() {
    HttpUrl url = vault.url("/");
    return VaultDatabaseCredentials.builder("http://127.0.0.1:" + url.port(), "orders")
        .clock(
            new Clock() {
              @Override
              public ZoneOffset getZone() {
                return ZoneOffset.UTC;
              }

              @Override
              public Clock withZone(java.time.ZoneId zone) {
                return this;
              }

              @Override
              public Instant instant() {
                return now;
              }
            });
  }

  private VaultDatabaseCredentials source(VaultAuth auth) {
    return builder().auth(auth).build();
  }

  @Test
  void aUserIsMadeAndKnowsItsEnd() throws Exception {
    answer(200, CREDS);
    DatabaseCredentials made = source(VaultAuth.token("hvs.given")).fetch();
    assertThat(made.user()).isEqualTo("v-token-orders-x7");
    assertThat(made.password()).isEqualTo("A1a-pAssw0rd");
    assertThat(made.expires()).contains(NOW.plusSeconds(3600));
    assertThat(made.lease()).contains("database/creds/orders/Gh2fJk9");
    assertThat(made.toString()).doesNotContain("A1a-pAssw0rd");
    RecordedRequest request = vault.takeRequest();
    assertThat(request.getMethod()).isEqualTo("GET");
    assertThat(request.getUrl().encodedPath()).isEqualTo("/v1/database/creds/orders");
    assertThat(request.getHeaders().get("X-Vault-Token")).isEqualTo("hvs.given");
    assertThat(request.getHeaders().get("X-Vault-Request")).isEqualTo("true");
    assertThat(request.getHeaders().get("X-Vault-Namespace")).isNull();
  }

  @Test
  void mountAndNamespaceAreTheUsers() throws Exception {
    answer(200, CREDS);
    builder().auth(VaultAuth.token("t")).mount("team/db").namespace("eu").build().fetch();
    RecordedRequest request = vault.takeRequest();
    assertThat(request.getUrl().encodedPath()).isEqualTo("/v1/team/db/creds/orders");
    assertThat(request.getHeaders().get("X-Vault-Namespace")).isEqualTo("eu");
  }

  @Test
  void aLeaseIsProlonged() throws Exception {
    answer(200, CREDS);
    answer(200, RENEWED);
    VaultDatabaseCredentials source = source(VaultAuth.token("t"));
    DatabaseCredentials made = source.fetch();
    now = NOW.plusSeconds(2400);
    DatabaseCredentials renewed = source.renew(made).orElseThrow();
    assertThat(renewed.isSameUser(made)).isTrue();
    assertThat(renewed.expires()).contains(NOW.plusSeconds(4200));
    vault.takeRequest();
    RecordedRequest request = vault.takeRequest();
    assertThat(request.getMethod()).isEqualTo("PUT");
    assertThat(request.getUrl().encodedPath()).isEqualTo("/v1/sys/leases/renew");
    assertThat(request.getBody().utf8())
        .isEqualTo("{\"lease_id\":\"database/creds/orders/Gh2fJk9\"}");
  }

  @Test
  void whatCannotBeProlongedIsNotAskedFor() throws Exception {
    answer(200, CREDS.replace("\"renewable\":true", "\"renewable\":false"));
    VaultDatabaseCredentials source = source(VaultAuth.token("t"));
    assertThat(source.renew(source.fetch())).isEmpty();
    assertThat(vault.getRequestCount()).isEqualTo(1);
  }

  @Test
  void theTokenOfAFileIsReadAgainWhereVaultTakesTheOldOneNoMore() throws Exception {
    Path file = Files.writeString(directory.resolve("token"), "hvs.old\n");
    VaultDatabaseCredentials source = source(VaultAuth.tokenFile(file));
    answer(200, CREDS);
    source.fetch();
    Files.writeString(file, "hvs.new\n");
    answer(403, "{\"errors\":[\"permission denied\"]}");
    answer(200, CREDS);
    source.fetch();
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.old");
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.old");
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.new");
  }

  private VaultDatabaseCredentials appRole() throws IOException {
    Path secret = Files.writeString(directory.resolve("secret"), "secret-id\n");
    return source(VaultAuth.appRole("role-id", secret));
  }

  /** The paths that were asked for since the last call. */
  private List<String> asked() throws InterruptedException {
    List<String> paths = new ArrayList<>();
    while (seen < vault.getRequestCount()) {
      paths.add(vault.takeRequest().getUrl().encodedPath().substring("/v1/".length()));
      seen++;
    }
    return paths;
  }

  @Test
  void aUserLivesNoLongerThanTheTokenThatAskedForIt() throws Exception {
    answer(200, LOGIN);
    answer(200, CREDS);
    assertThat(appRole().fetch().expires())
        .as("of the lease's 3600 s and the token's 1200 s")
        .contains(NOW.plusSeconds(1200));
  }

  @Test
  void theTokenOfALoginIsRenewedAndItsUsersLiveOn() throws Exception {
    VaultDatabaseCredentials source = appRole();
    answer(200, LOGIN);
    answer(200, CREDS);
    DatabaseCredentials user = source.fetch();
    assertThat(asked()).containsExactly("auth/approle/login", "database/creds/orders");
    now = NOW.plusSeconds(800);
    answer(200, LOGIN.replace("\"lease_id\":\"\"", "\"lease_id\":null"));
    answer(200, RENEWED);
    assertThat(source.renew(user).orElseThrow().expires())
        .as("of the lease's 1800 s and the token's 1200 s, both from now")
        .contains(NOW.plusSeconds(2000));
    assertThat(asked()).containsExactly("auth/token/renew-self", "sys/leases/renew");
  }

  /** The most that a token may live comes near: its users end with it, the next ones do not. */
  @Test
  void whereATokenCannotBeRenewedLongEnoughTheNextUserIsAnotherTokens() throws Exception {
    VaultDatabaseCredentials source = appRole();
    answer(200, LOGIN);
    answer(200, CREDS);
    DatabaseCredentials user = source.fetch();
    now = NOW.plusSeconds(800);
    answer(200, LOGIN.replace("\"lease_duration\":1200", "\"lease_duration\":300"));
    answer(200, LOGIN.replace("hvs.fresh", "hvs.second"));
    answer(200, RENEWED);
    assertThat(source.renew(user).orElseThrow().expires())
        .as("with the token that asked for it")
        .contains(NOW.plusSeconds(1100));
    asked();
    answer(200, CREDS);
    assertThat(source.fetch().expires()).contains(NOW.plusSeconds(2000));
    assertThat(asked()).containsExactly("database/creds/orders");
  }

  @Test
  void whatIsLeftOfALeaseIsItsLife() throws Exception {
    VaultDatabaseCredentials source = source(VaultAuth.token("t"));
    answer(200, CREDS);
    DatabaseCredentials user = source.fetch();
    answer(200, CAPPED);
    assertThat(source.renew(user).orElseThrow().expires()).contains(NOW.plusSeconds(51));
  }

  @Test
  void aStaticRoleHasOneUserWhosePasswordLastsUntilTheNextRotation() throws Exception {
    VaultDatabaseCredentials source = builder().auth(VaultAuth.token("t")).staticRole(true).build();
    answer(200, STATIC);
    DatabaseCredentials user = source.fetch();
    assertThat(user.user()).isEqualTo("orders");
    assertThat(user.password()).isEqualTo("mNfwk06rlf5");
    assertThat(user.expires()).contains(NOW.plusSeconds(7200));
    assertThat(asked()).containsExactly("database/static-creds/orders");
    assertThat(source.renew(user)).isEmpty();
    answer(200, STATIC.replace("7200", "0"));
    assertThat(source.fetch().expires()).as("due, and not for ever").contains(NOW.plusSeconds(1));
  }

  @ParameterizedTest
  @CsvSource({
    "400, unknown role: orders",
    "404, no handler for route \\\"database/creds/orders\\\". route entry not found.",
    "429, request path \\\"database/creds/orders\\\": rate limit quota exceeded",
    "500, 1 error occurred: failed to connect",
    "503, Vault is sealed"
  })
  void aRefusalKeepsTheTokenAndIsTriedNoSecondTime(int status, String words) throws Exception {
    VaultDatabaseCredentials source = appRole();
    answer(200, LOGIN);
    answer(status, "{\"errors\":[\"" + words + "\"]}\n");
    assertThatThrownBy(source::fetch)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found " + status + ": " + words.replace("\\", ""));
    answer(200, CREDS);
    assertThat(source.fetch().user()).isEqualTo("v-token-orders-x7");
    assertThat(asked())
        .containsExactly("auth/approle/login", "database/creds/orders", "database/creds/orders");
  }

  @Test
  void aLoginThatIsRefusedSaysSo() throws Exception {
    answer(400, "{\"errors\":[\"invalid role or secret ID\"]}");
    assertThatThrownBy(appRole()::fetch)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found 400: invalid role or secret ID")
        .hasMessageNotContaining("secret-id");
  }

  @Test
  void anAppRoleLogsInOnceUntilItsTokenGrowsOld() throws Exception {
    VaultDatabaseCredentials source = appRole();
    answer(200, LOGIN);
    answer(200, CREDS);
    source.fetch();
    answer(200, CREDS);
    source.fetch();
    now = NOW.plusSeconds(801);
    answer(403, "{\"errors\":[\"permission denied\"]}"); // a policy without renew-self
    answer(200, LOGIN.replace("hvs.fresh", "hvs.second"));
    answer(200, CREDS);
    source.fetch();
    RecordedRequest login = vault.takeRequest();
    assertThat(login.getMethod()).isEqualTo("POST");
    assertThat(login.getUrl().encodedPath()).isEqualTo("/v1/auth/approle/login");
    assertThat(login.getBody().utf8())
        .contains("\"role_id\":\"role-id\"", "\"secret_id\":\"secret-id\"");
    assertThat(login.getHeaders().get("X-Vault-Token")).isNull();
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.fresh");
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.fresh");
    RecordedRequest renewal = vault.takeRequest();
    assertThat(renewal.getMethod()).isEqualTo("POST");
    assertThat(renewal.getUrl().encodedPath()).isEqualTo("/v1/auth/token/renew-self");
    assertThat(renewal.getHeaders().get("X-Vault-Token")).isEqualTo("hvs.fresh");
    assertThat(vault.takeRequest().getUrl().encodedPath()).isEqualTo("/v1/auth/approle/login");
    assertThat(vault.takeRequest().getHeaders().get("X-Vault-Token")).isEqualTo("hvs.second");
  }

  @Test
  void aKubernetesServiceAccountLogsIn() throws Exception {
    Path jwt = Files.writeString(directory.resolve("jwt"), "header.body.signature");
    answer(200, LOGIN);
    answer(200, CREDS);
    source(VaultAuth.kubernetes("orders", jwt)).fetch();
    RecordedRequest login = vault.takeRequest();
    assertThat(login.getUrl().encodedPath()).isEqualTo("/v1/auth/kubernetes/login");
    assertThat(login.getBody().utf8())
        .contains("\"role\":\"orders\"", "\"jwt\":\"header.body.signature\"");
  }

  @Test
  void aRefusalSaysWhatWasAskedAndVaultsOwnWordsAndNoSecret() {
    answer(400, "{\"errors\":[\"unknown role: orders\"]}");
    assertThatThrownBy(() -> source(VaultAuth.token("hvs.secret")).fetch())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("GET /v1/database/creds/orders")
        .hasMessageContaining("found 400: unknown role: orders")
        .hasMessageNotContaining("hvs.secret");
  }

  @Test
  void answersThatAreNoneAreRefusedWithoutQuotingThem() {
    for (String body :
        new String[] {
          "", "[]", "{", "{\"data\":{\"username\":\"u\"}}", "{\"data\":{\"username\":s3cret"
        }) {
      answer(200, body);
      assertThatThrownBy(() -> source(VaultAuth.token("t")).fetch())
          .as(body)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("expected ")
          .hasMessageNotContaining("s3cret");
    }
  }

  @Test
  void anAnswerWithoutEndIsCutOff() {
    answer(200, "{\"a\":\"" + "x".repeat(2 << 20) + "\"}");
    assertThatThrownBy(() -> source(VaultAuth.token("t")).fetch())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("at most");
  }

  @Test
  void aTokenFollowsNoRedirect() throws Exception {
    try (MockWebServer elsewhere = new MockWebServer()) {
      elsewhere.start();
      vault.enqueue(
          new MockResponse.Builder()
              .code(307)
              .addHeader("Location", elsewhere.url("/v1/database/creds/orders").toString())
              .build());
      assertThatThrownBy(() -> source(VaultAuth.token("t")).fetch())
          .isInstanceOf(IOException.class)
          .hasMessageContaining("found 307");
      assertThat(elsewhere.getRequestCount()).isZero();
    }
  }

  @Test
  void secretsDoNotCrossTheNetworkInPlainTextUnlessThatIsWanted() {
    assertThatThrownBy(
            () -> VaultDatabaseCredentials.builder("http://vault.example:8200", "orders").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected https")
        .hasMessageContaining("allowPlaintext(true)");
    VaultDatabaseCredentials.builder("http://vault.example:8200", "orders")
        .allowPlaintext(true)
        .build();
    VaultDatabaseCredentials.builder("https://vault.example:8200", "orders").build();
  }

  @Test
  void rolesAndMountsThatLeadElsewhereAreRefused() {
    for (String role : new String[] {"", "..", "a/b", "a?b", "a b"}) {
      assertThatThrownBy(() -> VaultDatabaseCredentials.builder("https://v", role))
          .as(role)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> VaultDatabaseCredentials.builder("https://v", "r").mount("../sys"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> VaultDatabaseCredentials.builder("https://v/path", "r").build())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aFileThatIsMissingIsNamed() {
    Path file = directory.resolve("missing");
    assertThatThrownBy(() -> source(VaultAuth.tokenFile(file)).fetch())
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
    assertThat(vault.getRequestCount()).isZero();
    assertThat(source(VaultAuth.token("hvs.x")).toString()).doesNotContain("hvs.x");
  }

  @Test
  void noSecretIsInWhatIsPrinted() throws Exception {
    answer(200, LOGIN);
    Path jwt = Files.writeString(directory.resolve("jwt"), "header.s3cret.signature");
    VaultHttp http = new VaultHttp(new okhttp3.OkHttpClient(), vault.url("/"), null);
    VaultAuth.Login login = VaultAuth.kubernetes("orders", jwt).login(http);
    assertThat(login.token()).isEqualTo("hvs.fresh");
    assertThat(login.toString()).doesNotContain("hvs.fresh");
    answer(200, CREDS);
    VaultHttp.Answer made = http.call("GET", "v1/database/creds/orders", "t", null);
    assertThat(made.toString()).contains("password").doesNotContain("A1a-pAssw0rd");
    assertThatThrownBy(() ->
            VaultDatabaseCredentials.builder("https://app:s3cret@vault:8200", "orders").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void vaultsWordsAreCutToWhatALogTakes() {
    answer(400, "{\"errors\":[\"" + "long ".repeat(1000) + "\"]}");
    assertThatThrownBy(() -> source(VaultAuth.token("t")).fetch())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found 400: long long")
        .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(500));
  }
}
