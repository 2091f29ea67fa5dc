package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.testkit.Agent.Answer;
import io.meshnative.testkit.internal.Json;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class AclTest {
  private static final String LEAF = "/v1/agent/connect/ca/leaf/billing";
  private static final String MATCH = "/v1/connect/intentions/match?by=destination&name=billing";

  private final EmbeddedControlPlane plane =
      EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start();
  private final Agent anonymous = new Agent(plane);
  private final Agent master = anonymous.withToken(plane.token());

  @AfterEach
  void close() {
    plane.close();
  }

  @Test
  void aTokenComesInAHeaderAsABearerOrInTheQueryWhichWins() {
    String token = plane.serviceToken("billing");

    assertThat(anonymous.withToken(token).get(LEAF).status()).isEqualTo(200);
    assertThat(anonymous.with("Authorization", "Bearer " + token).get(LEAF).status())
        .isEqualTo(200);
    assertThat(anonymous.withToken("nonsense").get(LEAF + "?token=" + token).status())
        .isEqualTo(200);
    assertThat(anonymous.get(LEAF).body()).isEqualTo("Permission denied");
    assertThat(anonymous.withToken("nonsense").get(LEAF).body()).isEqualTo("ACL not found");
  }

  @Test
  void aDestroyedTokenStillGetsItsCachedLeafAndNothingElse() {
    String token = plane.serviceToken("billing");
    Agent agent = anonymous.withToken(token);
    String certificate = agent.get(LEAF).text("CertPEM");

    plane.destroyToken(token);

    assertThat(agent.get(LEAF).text("CertPEM")).isEqualTo(certificate);
    assertThat(agent.get(MATCH).body()).isEqualTo("ACL not found");
    assertThat(agent.get("/v1/agent/connect/ca/leaf/other").body()).isEqualTo("ACL not found");
  }

  @Test
  void aCallThatBlocksWhileItsTokenIsDestroyedIsStillAnswered() {
    String token = plane.serviceToken("billing");
    plane.allow("web", "billing");
    Agent agent = anonymous.withToken(token);
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=60s&index=" + index);

    plane.destroyToken(token).deny("web", "billing");

    assertThat(done(watch).status()).isEqualTo(200);
    assertThat(agent.get(MATCH).status()).isEqualTo(403);
  }

  @Test
  void anotherTokenGetsAnotherLeaf() {
    Agent one = anonymous.withToken(plane.serviceToken("billing"));
    Agent two = anonymous.withToken(plane.serviceToken("billing"));

    assertThat(one.get(LEAF).text("SerialNumber")).isNotEqualTo(two.get(LEAF).text("SerialNumber"));
  }

  @Test
  void whoMayNotSeeAServiceGetsAnEmptyListThatNeverBlocksWithoutStreaming() {
    plane.register("billing", "billing-1", "127.0.0.1", 1);

    Answer plain = anonymous.get("/v1/health/connect/billing");

    assertThat(plain.body()).isEqualTo("[]");
    assertThat(plain.index()).isEqualTo(1);
    assertThat(plain.header("X-Consul-KnownLeader")).isEqualTo("false");
    assertThat(anonymous.withToken("nonsense").get("/v1/health/connect/billing?cached").body())
        .isEqualTo("rpc error: code = Unknown desc = ACL not found");
  }

  @Test
  void theDefaultDecisionIsThePolicysAndSaysSo() {
    Answer denied = master.authorize("web", "billing");
    plane.defaultAllow(true);
    Answer allowed = master.authorize("web", "billing");

    assertThat(denied.at("Authorized")).isEqualTo(false);
    assertThat(allowed.at("Authorized")).isEqualTo(true);
    assertThat(denied.text("Reason")).isEqualTo("Default behavior configured by ACLs");
    assertThat(allowed.text("Reason")).isEqualTo("Default behavior configured by ACLs");
    assertThat(allowed.header("X-Consul-Default-ACL-Policy")).isEqualTo("allow");
  }

  @Test
  void unknownIdsAreErrorsWhereTokensAreAskedFor() {
    assertThat(master.put("/v1/agent/service/deregister/nope", "").body())
        .isEqualTo("Unknown service \"nope\"");
    assertThat(master.put("/v1/agent/check/pass/nope", "").body())
        .isEqualTo("Unknown check \"nope\"");
  }

  @Test
  void withoutAclsThereAreNoTokensAndTheEndpointsSayIt() {
    try (EmbeddedControlPlane open = EmbeddedControlPlane.start()) {
      Answer answer = new Agent(open).put("/v1/acl/token", "{}");

      assertThat(open.token()).isEmpty();
      assertThat(answer.status()).isEqualTo(401);
      assertThat(answer.body()).isEqualTo("ACL support disabled");
      assertThatThrownBy(() -> open.serviceToken("web"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("acls(true)");
    }
  }

  @Test
  void rulesThatMakeNoSenseAreRefusedWithThePlace() {
    assertThatThrownBy(() -> plane.tokenWithRules("service \"x\" { polcy = \"write\" }"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("polcy");
    assertThatThrownBy(() -> plane.tokenWithRules("serviec \"x\" { policy = \"write\" }"))
        .hasMessageContaining("serviec");
    assertThatThrownBy(() -> plane.tokenWithRules("service \"x\" { policy = "))
        .hasMessageContaining("end in the middle");
  }

  @Test
  void aJwtSignedByTheKnownKeyLogsInWithinItsTimeAndNoOther() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair keys = generator.generateKeyPair();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + Base64.getMimeEncoder().encodeToString(keys.getPublic().getEncoded())
            + "\n-----END PUBLIC KEY-----\n";
    plane.jwtLogin("jwt", pem, "idp", "consul", "svc", Duration.ofMinutes(15));
    long soon = Instant.now().plusSeconds(300).getEpochSecond();

    Answer login = login(jwt(keys, "idp", "consul", "billing", soon));

    assertThat(login.status()).as(login.body()).isEqualTo(200);
    assertThat(login.list("ServiceIdentities")).hasSize(1);
    assertThat(login.text("Description")).isEqualTo("token created via login: {\"pod\":\"b-0\"}");
    assertThat(anonymous.withToken(login.text("SecretID")).get(LEAF).status()).isEqualTo(200);
    assertThat(login("a.b").body())
        .isEqualTo("error parsing token: square/go-jose: compact JWS format must have three parts");
    assertThat(login(jwt(keys, "idp", "consul", "", soon)).status()).isEqualTo(403);
    for (String[] wrong :
        List.of(
            new String[] {jwt(keys, "evil", "consul", "x", soon), "invalid issuer claim (iss)"},
            new String[] {jwt(keys, "idp", "vault", "x", soon), "invalid audience claim (aud)"},
            new String[] {jwt(keys, "idp", "consul", "x", 1000), "token is expired (exp)"},
            new String[] {
              jwt(generator.generateKeyPair(), "idp", "consul", "x", soon),
              "no known key successfully validated the token signature"
            })) {
      Answer answer = login(wrong[0]);
      assertThat(answer.status()).isEqualTo(500);
      assertThat(answer.body()).endsWith(wrong[1]);
    }
    Agent workload = anonymous.withToken(login.text("SecretID"));
    assertThat(workload.call("POST", "/v1/acl/logout", null).body()).isEqualTo("true");
    assertThat(workload.call("POST", "/v1/acl/logout", null).body()).isEqualTo("ACL not found");
    assertThat(master.call("POST", "/v1/acl/logout", null).body()).isEqualTo("Permission denied");
  }

  @Test
  void aBindingRuleBindsOnlyWhomItsSelectorHoldsFor() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair keys = generator.generateKeyPair();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + Base64.getMimeEncoder().encodeToString(keys.getPublic().getEncoded())
            + "\n-----END PUBLIC KEY-----\n";
    Object method =
        Json.object(
            "Name",
            "jwt",
            "Type",
            "jwt",
            "Config",
            Json.object(
                "JWTValidationPubKeys",
                List.of(pem),
                "ClaimMappings",
                Json.object("svc", "service_name", "env", "environment"),
                "ListClaimMappings",
                Json.object("groups", "groups")));
    assertThat(master.put("/v1/acl/auth-method", Json.write(method)).status()).isEqualTo(200);
    for (String selector :
        List.of(
            "value.environment == \"prod\" and \"billing-admins\" in list.groups",
            "value.environment == \"test\"")) {
      Object rule =
          Json.object(
              "AuthMethod",
              "jwt",
              "BindType",
              "service",
              "BindName",
              "${value.service_name}-" + (selector.contains("prod") ? "prod" : "test"),
              "Selector",
              selector);
      assertThat(master.put("/v1/acl/binding-rule", Json.write(rule)).status()).isEqualTo(200);
    }

    assertThat(boundTo(keys, "prod", List.of("billing-admins", "all"))).isEqualTo("b-prod");
    assertThat(boundTo(keys, "test", List.of())).isEqualTo("b-test");
    assertThat(boundTo(keys, "prod", List.of("all"))).isEqualTo("Permission denied");
    assertThat(boundTo(keys, "dev", List.of("billing-admins"))).isEqualTo("Permission denied");
  }

  private String boundTo(KeyPair keys, String environment, List<String> groups) throws Exception {
    Answer answer =
        login(
            signed(
                keys,
                Json.object(
                    "svc",
                    "b",
                    "env",
                    environment,
                    "groups",
                    groups,
                    "exp",
                    Instant.now().plusSeconds(300).getEpochSecond())));
    return answer.status() == 200
        ? (String) answer.at("ServiceIdentities", 0, "ServiceName")
        : answer.body();
  }

  private Answer login(String jwt) {
    return anonymous.call(
        "POST",
        "/v1/acl/login",
        Json.write(
            Json.object(
                "AuthMethod", "jwt", "BearerToken", jwt, "Meta", Json.object("pod", "b-0"))));
  }

  private static String jwt(
      KeyPair keys, String issuer, String audience, String service, long expires) throws Exception {
    return signed(
        keys, Json.object("iss", issuer, "aud", audience, "svc", service, "exp", expires));
  }

  private static String signed(KeyPair keys, Object tree) throws Exception {
    String claims = Json.write(tree);
    String signed =
        base64("{\"alg\":\"ES256\"}".getBytes(StandardCharsets.UTF_8))
            + "."
            + base64(claims.getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
    signature.initSign(keys.getPrivate());
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    return signed + "." + base64(signature.sign());
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
