package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.TlsFiles;
import io.meshnative.tests.ConsulCli.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real {@code consul} command works against the embedded plane as against an agent. */
class RealCliTest {
  @TempDir Path directory;

  private EmbeddedControlPlane plane;
  private ConsulCli cli;

  @BeforeAll
  static void consulIsThere() {
    RealPeers.requireConsul();
  }

  @AfterEach
  void close() {
    if (plane != null) {
      plane.close();
    }
  }

  private void start(EmbeddedControlPlane.Builder builder) {
    plane = builder.start();
    cli =
        new ConsulCli(
            directory,
            Map.of("CONSUL_HTTP_ADDR", plane.httpAddr(), "CONSUL_HTTP_TOKEN", plane.token()));
  }

  private void startWithAcls() {
    start(EmbeddedControlPlane.builder().acls(true).defaultAllow(false));
  }

  private ConsulCli as(String token) {
    return new ConsulCli(
        directory, Map.of("CONSUL_HTTP_ADDR", plane.httpAddr(), "CONSUL_HTTP_TOKEN", token));
  }

  private Result ok(String... arguments) throws IOException {
    Result result = cli.run(arguments);
    assertThat(result.exit()).as(result.output()).isZero();
    return result;
  }

  private static void refused(Result result, String why) {
    assertThat(result.exit()).as(result.output()).isEqualTo(1);
    assertThat(result.output()).contains(why);
  }

  private String file(String name, String content) throws IOException {
    return Files.writeString(directory.resolve(name), content).toString();
  }

  @ParameterizedTest
  @EnumSource
  void intentionsAreCreatedReplacedCheckedMatchedReadAndDeleted(ConsulVersion version)
      throws IOException {
    start(EmbeddedControlPlane.builder().mimic(version));
    assumeTrue(
        version != ConsulVersion.V1_8 || cli.minor() < 9,
        "since 1.9 the command asks for intentions by names, which 1.8 does not serve");

    assertThat(ok("intention", "create", "-deny", "web", "db").output())
        .isEqualTo("Created: web => db (deny)\n");
    refused(cli.run("intention", "check", "web", "db"), "Denied\n");
    refused(cli.run("intention", "create", "-allow", "web", "db"), "Unexpected response code: 500");
    ok("intention", "create", "-replace", "-allow", "web", "db");
    assertThat(ok("intention", "check", "web", "db").output()).isEqualTo("Allowed\n");
    assertThat(ok("intention", "match", "db").output()).isEqualTo("web => db (allow)\n");
    assertThat(ok("intention", "match", "-source", "web").output())
        .isEqualTo("web => db (allow)\n");
    assertThat(ok("intention", "get", "web", "db").output())
        .containsPattern("Source: +web\n")
        .containsPattern("Action: +allow\n");
    assertThat(ok("intention", "delete", "web", "db").output()).isEqualTo("Intention deleted.\n");
    refused(cli.run("intention", "get", "web", "db"), "not found");
  }

  @Test
  void servicesAreRegisteredListedAndDeregistered() throws IOException {
    start(EmbeddedControlPlane.builder());

    assertThat(
            ok(
                    "services",
                    "register",
                    "-name=web",
                    "-id=web-1",
                    "-port=8080",
                    "-tag=v1",
                    "-meta=a=b")
                .output())
        .isEqualTo("Registered service: web\n");
    String native1 =
        file(
            "native.hcl",
            "service { name = \"pay\" id = \"pay-1\" port = 9443 connect { native = true } }");
    ok("services", "register", native1);
    assertThat(ok("catalog", "services").output()).isEqualTo("consul\npay\nweb\n");
    assertThat(ok("catalog", "services", "-tags").output()).containsPattern("web +v1");
    assertThat(ok("catalog", "nodes").output())
        .contains("node-1")
        .contains("127.0.0.1")
        .contains("dc1");
    assertThat(ok("catalog", "nodes", "-service=web").output()).contains("node-1");
    assertThat(ok("catalog", "datacenters").output()).isEqualTo("dc1\n");
    assertThat(ok("members").output()).contains("alive");
    assertThat(ok("services", "deregister", "-id=web-1").output())
        .isEqualTo("Deregistered service: web-1\n");
    assertThat(ok("catalog", "services").output()).isEqualTo("consul\npay\n");
  }

  @Test
  void theCaIsConfiguredAndANewKeyRotatesTheRoot() throws Exception {
    start(EmbeddedControlPlane.builder());
    assertThat(ok("connect", "ca", "get-config").output()).contains("\"LeafCertTTL\": \"72h\"");
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new java.security.spec.ECGenParameterSpec("secp256r1"));
    String key = Sec1.pem(generator.generateKeyPair()).replace("\n", "\\n");
    String config =
        file(
            "ca.json",
            "{\"Provider\":\"consul\",\"Config\":{\"LeafCertTTL\":\"24h\",\"PrivateKey\":\""
                + key
                + "\"}}");

    assertThat(ok("connect", "ca", "set-config", "-config-file", config).output())
        .isEqualTo("Configuration updated!\n");

    assertThat(plane.roots()).hasSize(2);
    assertThat(ok("connect", "ca", "get-config").output()).contains("\"LeafCertTTL\": \"24h\"");
    String wrong = file("wrong.json", "{\"Provider\":\"nope\",\"Config\":{}}");
    refused(
        cli.run("connect", "ca", "set-config", "-config-file", wrong),
        "could not initialize provider: unknown CA provider \"nope\"");
  }

  @Test
  void configEntriesAreWrittenReadListedAndDeleted() throws IOException {
    start(EmbeddedControlPlane.builder());
    String defaults =
        file("d.hcl", "Kind = \"service-defaults\"\nName = \"api\"\nProtocol = \"http\"\n");
    String splitter =
        file(
            "s.hcl",
            "Kind = \"service-splitter\"\nName = \"api\"\n"
                + "Splits = [{ Weight = 90 Service = \"api\" }, { Weight = 9 Service = \"next\" }]\n");

    assertThat(ok("config", "write", defaults).output())
        .isEqualTo("Config entry written: service-defaults/api\n");
    assertThat(ok("config", "list", "-kind", "service-defaults").output()).isEqualTo("api\n");
    assertThat(ok("config", "read", "-kind", "service-defaults", "-name", "api").output())
        .contains("\"Protocol\": \"http\"");
    refused(
        cli.run("config", "write", splitter),
        "the sum of all split weights must be 100, not 99.000000");
    assertThat(ok("config", "delete", "-kind", "service-defaults", "-name", "api").output())
        .isEqualTo("Config entry deleted: service-defaults/api\n");
    refused(
        cli.run("config", "read", "-kind", "service-defaults", "-name", "api"),
        "Config entry not found for \"service-defaults\" / \"api\"");
  }

  @Test
  void aTokenWithAServiceIdentityIsCreatedReadListedAndSuffices() throws IOException {
    startWithAcls();

    refused(
        as("").run("acl", "token", "create", "-service-identity", "billing"),
        "403 (Permission denied)");
    refused(as("nonsense").run("catalog", "services"), "403 (ACL not found)");
    String created =
        ok("acl", "token", "create", "-service-identity", "billing", "-description", "of a test")
            .output();
    String accessor = field(created, "AccessorID");
    assertThat(ok("acl", "token", "read", "-id", accessor).output()).contains("of a test");
    assertThat(ok("acl", "token", "list").output()).contains(accessor);

    ConsulCli billing = as(field(created, "SecretID"));
    assertThat(billing.run("services", "register", "-name=billing").exit()).isZero();
    refused(
        billing.run("services", "register", "-name=other"),
        "403 (Permission denied: Missing service:write on other)");
    refused(billing.run("intention", "create", "web", "billing"), "403 (Permission denied)");
    assertThat(billing.run("intention", "check", "web", "billing").output()).isEqualTo("Denied\n");
  }

  @Test
  void aPolicyGivesWhatItsRulesSay() throws IOException {
    startWithAcls();
    ok(
        "acl",
        "policy",
        "create",
        "-name",
        "p",
        "-rules",
        "service \"db\" { policy = \"write\" intentions = \"write\" }");
    String created = ok("acl", "token", "create", "-policy-name", "p").output();

    ConsulCli operator = as(field(created, "SecretID"));

    assertThat(operator.run("intention", "create", "web", "db").exit()).isZero();
    refused(operator.run("intention", "create", "web", "other"), "403 (Permission denied)");
  }

  private static String field(String output, String name) {
    Matcher matcher = Pattern.compile(name + ": +(\\S+)").matcher(output);
    assertThat(matcher.find()).as(output).isTrue();
    return matcher.group(1);
  }

  @Test
  void aWorkloadLogsInWithItsJwtAndOut() throws Exception {
    startWithAcls();
    KeyPair keys = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    String pem = ConsulAgent.pem("PUBLIC KEY", keys.getPublic().getEncoded());
    String method =
        "{\"BoundIssuer\":\"idp\",\"BoundAudiences\":[\"consul\"],\"JWTValidationPubKeys\":[\""
            + pem.replace("\n", "\\n")
            + "\"],\"ClaimMappings\":{\"svc\":\"service_name\"}}";
    ok(
        "acl",
        "auth-method",
        "create",
        "-name=jwt",
        "-type=jwt",
        "-max-token-ttl=15m",
        "-config",
        method);
    ok(
        "acl",
        "binding-rule",
        "create",
        "-method=jwt",
        "-bind-type=service",
        "-bind-name=${value.service_name}",
        "-selector=value.service_name != \"\"");
    Path sink = directory.resolve("token");
    ConsulCli nobody = as("");

    Result login = nobody.run(login(keys, sink, "billing", Duration.ofMinutes(5)));
    assertThat(login.exit()).as(login.output()).isZero();
    ConsulCli workload = as(Files.readString(sink).strip());
    assertThat(workload.run("acl", "token", "read", "-self").output())
        .contains("billing")
        .contains("jwt");
    assertThat(workload.run("services", "register", "-name=billing").exit()).isZero();
    assertThat(workload.run("logout").exit()).isZero();
    refused(workload.run("catalog", "services"), "403 (ACL not found)");

    refused(nobody.run(login(keys, sink, "", Duration.ofMinutes(5))), "403 (Permission denied)");
    refused(
        nobody.run(login(keys, sink, "billing", Duration.ofHours(-1))), "token is expired (exp)");
    KeyPair stranger = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    refused(
        nobody.run(login(stranger, sink, "billing", Duration.ofMinutes(5))),
        "no known key successfully validated the token signature");
  }

  private String[] login(KeyPair keys, Path sink, String service, Duration life) throws Exception {
    String claims =
        "{\"iss\":\"idp\",\"aud\":\"consul\",\"svc\":\""
            + service
            + "\",\"exp\":"
            + Instant.now().plus(life).getEpochSecond()
            + "}";
    Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
    String signed =
        encoder.encodeToString(
                "{\"alg\":\"RS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8))
            + "."
            + encoder.encodeToString(claims.getBytes(StandardCharsets.UTF_8));
    Signature signature = Signature.getInstance("SHA256withRSA");
    signature.initSign(keys.getPrivate());
    signature.update(signed.getBytes(StandardCharsets.US_ASCII));
    String jwt = file("bearer", signed + "." + encoder.encodeToString(signature.sign()));
    return new String[] {
      "login", "-method=jwt", "-bearer-token-file=" + jwt, "-token-sink-file=" + sink
    };
  }

  @Test
  void overTlsItNeedsAClientCertificateWhereThePlaneVerifiesThem() throws IOException {
    start(EmbeddedControlPlane.builder().tls(directory).verifyIncoming(true));
    TlsFiles files = plane.tlsFiles();
    Map<String, String> tls =
        Map.of(
            "CONSUL_HTTP_ADDR", plane.httpsAddress().toString(),
            "CONSUL_CACERT", files.caCertificate().toString(),
            "CONSUL_CLIENT_CERT", files.clientCertificate().toString(),
            "CONSUL_CLIENT_KEY", files.clientKey().toString());
    assertThat(new ConsulCli(directory, tls).run("catalog", "datacenters").output())
        .isEqualTo("dc1\n");

    Map<String, String> unproven =
        Map.of(
            "CONSUL_HTTP_ADDR",
            plane.httpsAddress().toString(),
            "CONSUL_CACERT",
            files.caCertificate().toString());
    assertThat(new ConsulCli(directory, unproven).run("catalog", "datacenters").exit())
        .isEqualTo(1);
  }

  @Test
  void overAUnixSocketItSpeaksToTheSamePlane() throws IOException {
    Path socket = directory.resolve("s");
    start(EmbeddedControlPlane.builder().unixSocket(socket));

    Map<String, String> environment = Map.of("CONSUL_HTTP_ADDR", "unix://" + socket);
    assertThat(new ConsulCli(directory, environment).run("catalog", "datacenters").output())
        .isEqualTo("dc1\n");
  }
}
