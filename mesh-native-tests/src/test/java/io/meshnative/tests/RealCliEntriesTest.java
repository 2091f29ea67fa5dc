package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.tests.ConsulCli.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every kind of config entry, and the list of intentions, through the real {@code consul} command.
 * What an old command does not know yet is asked of the API.
 */
class RealCliEntriesTest {
  private static int minor;

  @TempDir Path directory;

  private EmbeddedControlPlane plane;
  private ConsulCli cli;

  /** A kind, an entry of it, what must stand first, and what reading it has to show. */
  private enum Kind {
    SERVICE_DEFAULTS(
        "service-defaults",
        "api",
        "Protocol = \"grpc\"\nMeshGateway { Mode = \"local\" }\n",
        "",
        "\"Protocol\": \"grpc\""),
    PROXY_DEFAULTS(
        "proxy-defaults",
        "global",
        "Config { protocol = \"http\" }\n",
        "",
        "\"protocol\": \"http\""),
    SERVICE_ROUTER(
        "service-router",
        "api",
        "Routes = [{ Match { HTTP { PathPrefix = \"/admin\" } } Destination { Service = \"admin\" } }]\n",
        HTTP,
        "\"PathPrefix\": \"/admin\""),
    SERVICE_SPLITTER(
        "service-splitter",
        "api",
        "Splits = [{ Weight = 99.5 }, { Weight = 0.5 Service = \"next\" }]\n",
        HTTP,
        "\"Weight\": 99.5"),
    SERVICE_RESOLVER(
        "service-resolver",
        "api",
        "ConnectTimeout = \"3s\"\nDefaultSubset = \"v1\"\n"
            + "Subsets { v1 { Filter = \"Service.Meta.version == v1\" OnlyPassing = true } }\n"
            + "Failover { \"*\" { Datacenters = [\"dc2\"] } }\n",
        "",
        "\"OnlyPassing\": true"),
    SERVICE_INTENTIONS(
        "service-intentions",
        "api",
        "Sources = [{ Name = \"web\" Permissions = [{ Action = \"allow\" HTTP { PathPrefix = \"/v1\" } }] },"
            + " { Name = \"*\" Action = \"deny\" }]\n",
        HTTP,
        "\"PathPrefix\": \"/v1\"");

    final String kind;
    final String name;
    final String hcl;
    final String before;
    final String shown;

    Kind(String kind, String name, String fields, String before, String shown) {
      this.kind = kind;
      this.name = name;
      this.hcl = "Kind = \"%s\"\nName = \"%s\"\n%s".formatted(kind, name, fields);
      this.before = before;
      this.shown = shown;
    }

    /** Since 1.9; a command that is older decodes no such entry. */
    boolean known() {
      return this != SERVICE_INTENTIONS || minor >= 9;
    }
  }

  /** Routers, splitters and permissions are for services that speak HTTP. */
  private static final String HTTP =
      "{\"Kind\":\"proxy-defaults\",\"Name\":\"global\",\"Config\":{\"protocol\":\"http\"}}";

  @BeforeAll
  static void consulIsThere(@TempDir Path here) throws IOException {
    RealPeers.requireConsul();
    minor = new ConsulCli(here, Map.of()).minor();
  }

  @BeforeEach
  void start() {
    plane = EmbeddedControlPlane.start();
    cli = new ConsulCli(directory, Map.of("CONSUL_HTTP_ADDR", plane.httpAddr()));
  }

  @AfterEach
  void close() {
    plane.close();
  }

  private Result ok(String... arguments) throws IOException {
    Result result = cli.run(arguments);
    assertThat(result.exit()).as(result.output()).isZero();
    return result;
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void anEntryIsWrittenReadListedAndDeleted(Kind entry) throws IOException {
    if (!entry.before.isEmpty()) {
      plane.configEntry(entry.before);
    }
    if (!entry.known()) {
      throughTheApi(entry);
      return;
    }
    Path file = Files.writeString(directory.resolve("entry.hcl"), entry.hcl);
    String[] named = {"-kind", entry.kind, "-name", entry.name};

    assertThat(ok("config", "write", file.toString()).output())
        .isEqualTo("Config entry written: %s/%s\n".formatted(entry.kind, entry.name));
    String read = ok(with("config", "read", named)).output();
    assertThat(read).contains(entry.shown).contains("\"Kind\": \"" + entry.kind + "\"");
    assertThat(ok("config", "list", "-kind", entry.kind).output()).isEqualTo(entry.name + "\n");

    // What was read can be written, if nobody else has written in between.
    String index = index(read);
    Path again = Files.writeString(directory.resolve("again.json"), read);
    ok("config", "write", "-cas", "-modify-index", index, again.toString());
    Result stale = cli.run("config", "write", "-cas", "-modify-index", index, again.toString());
    assertThat(stale.exit()).as(stale.output()).isEqualTo(1);

    assertThat(ok(with("config", "delete", named)).output())
        .isEqualTo("Config entry deleted: %s/%s\n".formatted(entry.kind, entry.name));
    Result gone = cli.run(with("config", "read", named));
    assertThat(gone.exit()).isEqualTo(1);
    assertThat(gone.output())
        .contains("Config entry not found for \"%s\" / \"%s\"".formatted(entry.kind, entry.name));
    assertThat(ok("config", "list", "-kind", entry.kind).output()).isEmpty();
  }

  private static String[] with(String command, String verb, String[] named) {
    return new String[] {command, verb, named[0], named[1], named[2], named[3]};
  }

  private static String index(String json) {
    Matcher matcher = Pattern.compile("\"ModifyIndex\": (\\d+)").matcher(json);
    assertThat(matcher.find()).as(json).isTrue();
    return matcher.group(1);
  }

  /** The command of 1.8 says that there is no such kind; the plane, as 1.10, has it. */
  private void throughTheApi(Kind entry) throws IOException {
    Path file = Files.writeString(directory.resolve("entry.hcl"), entry.hcl);
    Result refused = cli.run("config", "write", file.toString());
    assertThat(refused.exit()).isEqualTo(1);
    assertThat(refused.output()).contains("invalid config entry kind: service-intentions");

    AgentApi api = new AgentApi(plane.httpAddr(), "");
    String json =
        "{\"Kind\":\"service-intentions\",\"Name\":\"api\",\"Sources\":[{\"Name\":\"web\","
            + "\"Permissions\":[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/v1\"}}]}]}";
    assertThat(api.require("PUT", "/v1/config", json)).isEqualTo("true");
    assertThat(api.require("GET", "/v1/config/service-intentions/api", "")).contains("/v1");
    assertThat(api.require("GET", "/v1/config/service-intentions", "")).contains("api");
    assertThat(api.require("DELETE", "/v1/config/service-intentions/api", "")).isEqualTo("{}");
    assertThat(api.require("GET", "/v1/config/service-intentions", "")).isEqualTo("[]");
  }

  @Test
  void everyIntentionIsListed() throws IOException {
    ok("intention", "create", "-allow", "web", "db");
    ok("intention", "create", "-deny", "*", "db");
    if (minor < 9) {
      // The command came with 1.9.
      assertThat(cli.run("intention", "list").output()).contains("Usage: consul intention");
      String list = new AgentApi(plane.httpAddr(), "").require("GET", "/v1/connect/intentions", "");
      assertThat(list).contains("\"SourceName\":\"web\"", "\"SourceName\":\"*\"");
      return;
    }
    assertThat(ok("intention", "list").output())
        .containsPattern("web +allow +db +9")
        .containsPattern("\\* +deny +db +8");
  }

  @ParameterizedTest
  @EnumSource(ConsulVersion.class)
  void anIntentionIsReadAndDeletedByItsId(ConsulVersion version) throws IOException {
    try (EmbeddedControlPlane old = EmbeddedControlPlane.builder().mimic(version).start()) {
      ConsulCli there = new ConsulCli(directory, Map.of("CONSUL_HTTP_ADDR", old.httpAddr()));
      String id =
          AgentApi.field(
              new AgentApi(old.httpAddr(), "")
                  .require(
                      "POST",
                      "/v1/connect/intentions",
                      "{\"SourceName\":\"web\",\"DestinationName\":\"db\",\"Action\":\"allow\"}"),
              "ID");
      assertThat(there.run("intention", "get", id).output()).containsPattern("Source: +web\n");
      assertThat(there.run("intention", "delete", id).output()).isEqualTo("Intention deleted.\n");
      // The command of 1.8 falls over its own feet here, with another code than 1.
      assertThat(there.run("intention", "get", id).exit()).isNotZero();
    }
  }
}
