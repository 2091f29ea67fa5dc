package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Consul's built-in proxy, on both sides, with the embedded plane as its agent. */
class RealProxyTest {
  @TempDir Path directory;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private EmbeddedControlPlane plane;

  @BeforeAll
  static void consulIsThere() {
    RealPeers.requireConsul();
  }

  @AfterEach
  void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private <T extends AutoCloseable> T closing(T resource) {
    open.push(resource);
    return resource;
  }

  private void proxy(String log, String token, String... arguments) throws IOException {
    Map<String, String> environment = new HashMap<>();
    environment.put("CONSUL_HTTP_ADDR", plane.httpAddr());
    environment.put("CONSUL_HTTP_TOKEN", token);
    Process process = new ConsulCli(directory, environment).start(log, arguments);
    closing(() -> ConsulAgent.end(process));
    Awaitility.await("a proxy that is ready: " + log)
        .atMost(Duration.ofSeconds(60))
        .until(() -> Files.readString(directory.resolve(log)).contains("ready to serve"));
  }

  private Socket connect(int port) {
    return Awaitility.await("a proxy that listens on " + port)
        .atMost(Duration.ofSeconds(60))
        .ignoreExceptions()
        .until(
            () -> {
              Socket socket = new Socket();
              socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 10_000);
              socket.setSoTimeout(60_000);
              return socket;
            },
            socket -> true);
  }

  private void ping(int port) throws IOException {
    try (Socket socket = connect(port)) {
      Echo.ping(socket);
    }
  }

  /** Both proxies in front of an echo server; answers the port of the client's side. */
  private int twoProxies(Echo echo, String serverToken, String clientToken) throws IOException {
    var ports = Ports.reserve(2);
    int server = ports.get(0);
    int client = ports.get(1);
    String app = "-service-addr=127.0.0.1:" + echo.port();
    String listen = "-listen=127.0.0.1:" + server;
    if (serverToken.isEmpty()) {
      proxy("db.log", serverToken, "connect", "proxy", "-service=db", app, listen, "-register");
    } else {
      // It would register as db-proxy, which is not in the identity of db, here as on a real agent.
      proxy("db.log", serverToken, "connect", "proxy", "-service=db", app, listen);
      plane.registerSidecar("db", "db-proxy", "127.0.0.1", server);
    }
    AgentApi agent = new AgentApi(plane.httpAddr(), plane.token());
    Awaitility.await("an instance of db")
        .atMost(Duration.ofSeconds(60))
        .until(() -> !agent.require("GET", "/v1/health/connect/db", "").equals("[]"));
    proxy("web.log", clientToken, "connect", "proxy", "-service=web", "-upstream=db:" + client);
    return client;
  }

  @ParameterizedTest
  @EnumSource
  void bothProxiesCarryWhatIntentionsAllowAndNothingElse(ConsulVersion version) throws IOException {
    plane = closing(EmbeddedControlPlane.builder().mimic(version).defaultAllow(false).start());
    Echo echo = closing(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    int client = twoProxies(echo, "", "");
    plane.allow("web", "db");
    ping(client);
    int before = echo.bytes();

    plane.deny("web", "db");

    assertThatThrownBy(() -> ping(client)).isInstanceOf(IOException.class);
    // The proxy calls its application before it knows its caller, but hands nothing through.
    assertThat(echo.bytes()).isEqualTo(before);
    plane.allow("web", "db");
    ping(client);
  }

  @Test
  void withTokensOfServiceIdentitiesTheyWorkUnderDefaultDeny() throws IOException {
    plane = closing(EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start());
    Echo echo = closing(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    int client = twoProxies(echo, plane.serviceToken("db"), plane.serviceToken("web"));

    assertThatThrownBy(() -> ping(client)).isInstanceOf(IOException.class);
    plane.allow("web", "db");
    ping(client);
    assertThat(echo.bytes()).isEqualTo(1);
  }

  @Test
  void theyLiveThroughARotationOfTheRoot() throws IOException {
    plane = closing(EmbeddedControlPlane.builder().leafJitter(Duration.ZERO).start());
    Echo echo = closing(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    int client = twoProxies(echo, "", "");
    ping(client);

    plane.rotateRoot();

    for (int i = 0; i < 5; i++) {
      ping(client);
    }
  }
}
