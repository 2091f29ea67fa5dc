package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.interfaces.ECPrivateKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * T51, T50: a run in which everything happens that can be told of, good and bad, with every output
 * written down; and no secret in any of it. Heap dumps hold keys by nature: see the documentation.
 */
@Timeout(300)
class SecretsStayInsideTest {
  private static final String PASSWORD = "hunter2-basic-auth-password";
  private static final String JWT =
      "eyJhbGciOiJFUzI1NiJ9.c2VjcmV0LWJlYXJlci10b2tlbg.c2lnbmF0dXJlLW9mLWJlYXJlcg";

  @TempDir Path folder;

  /** Every log record of the library and of the HTTP client, at every level. */
  private static final class Listening extends Handler {
    private final List<String> records = Collections.synchronizedList(new ArrayList<>());
    private final Map<Logger, Level> levels = new LinkedHashMap<>();

    Listening() {
      setLevel(Level.ALL);
      setFormatter(new SimpleFormatter());
      for (String name : new String[] {"io.meshnative", "okhttp3"}) {
        Logger logger = Logger.getLogger(name);
        levels.put(logger, logger.getLevel());
        logger.setLevel(Level.ALL);
        logger.setUseParentHandlers(false);
        logger.addHandler(this);
      }
      // The kit's own log is no output of the library.
      Logger kit = Logger.getLogger("io.meshnative.testkit");
      levels.put(kit, kit.getLevel());
      kit.setLevel(Level.OFF);
    }

    @Override
    public void publish(LogRecord record) {
      records.add(getFormatter().format(record));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      levels.forEach((logger, level) -> {
        logger.setLevel(level);
        logger.setUseParentHandlers(true);
        logger.removeHandler(this);
      });
    }
  }

  /** What was told, and by whom. */
  private final List<String> outputs = Collections.synchronizedList(new ArrayList<>());

  private void tell(String where, Object what) {
    outputs.add(where + ": " + what);
  }

  private void failing(Callable<?> call) {
    try {
      Object result = call.call();
      if (result instanceof AutoCloseable open) {
        open.close();
      }
    } catch (Exception e) {
      StringWriter trace = new StringWriter();
      e.printStackTrace(new PrintWriter(trace));
      outputs.add(trace.toString());
    }
  }

  private void hear(MeshEvent event) {
    tell("event", event);
    if (event instanceof MeshEvent.ControlPlaneFailed failed) {
      failing(() -> {
        throw failed.cause();
      });
    }
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  @Tag("P6")
  void t51NoSecretIsInAnyOutputOfARunInWhichEverythingGoesWrong(TlsKind tls) throws Exception {
    Map<String, String> secrets = new LinkedHashMap<>();
    secrets.put("the basic auth password", PASSWORD);
    secrets.put(
        "basic auth as it is sent",
        Base64.getEncoder()
            .encodeToString(("anna:" + PASSWORD).getBytes(StandardCharsets.US_ASCII)));
    secrets.put("the bearer token", JWT);
    Listening log = new Listening();
    try (EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start()) {
      String dbToken = plane.serviceToken("db");
      String webToken = plane.serviceToken("web");
      secrets.put("the token of db", dbToken);
      secrets.put("the token of web", webToken);
      secrets.put("the management token", plane.token());
      plane.allow("web", "db");
      Path bearer = Files.writeString(folder.resolve("bearer"), JWT);

      MeshClient.Builder dbBuilder = builder(plane, "db", dbToken, tls);
      tell("builder", dbBuilder);
      try (MeshClient db =
              dbBuilder.register(Registration.ofListener().withAddress("127.0.0.1")).build();
          MeshClient web = builder(plane, "web", webToken, tls).build()) {
        db.subscribe(this::hear);
        web.subscribe(this::hear);
        db.awaitReady(Cast.GUARD);
        web.awaitReady(Cast.GUARD);
        keys(secrets, db, web);
        try (Echo echo =
            new Echo(db.listen(Cast.loopback(), io.meshnative.ListenOptions.defaults()))) {
          Cast.awaitEndpoint(web, "db");
          Cast.awaitReaches(web, "db", true);
          try (SSLSocket socket = web.dial("db")) {
            Echo.ping(socket);
            tell("socket", socket);
            tell("session", socket.getSession());
            tell("peer", web.identity());
            tell("engine", db.serverContext().createSSLEngine());
            tell("context", db.serverContext());
            tell("client context", web.clientContext(Destination.parse("db")));
            look(web, db);
          }
          everythingGoesWrong(plane, web, db, echo, tls);
          keys(secrets, db, web);
          look(web, db);
        }
        plane.destroyToken(webToken);
        plane.cut(); // else what blocks is answered still
        Cast.await("web is told that its token is gone", () -> web.state() == MeshState.STALE);
        look(web, db);
      }
      lateAndWrong(plane, bearer, tls);
    } finally {
      log.close();
    }
    outputs.addAll(log.records);
    assertThat(outputs).as("the run was heard").hasSizeGreaterThan(100);
    for (Map.Entry<String, String> secret : secrets.entrySet()) {
      assertThat(outputs)
          .as(secret.getKey())
          .noneMatch(output -> output.contains(secret.getValue()));
    }
  }

  private static MeshClient.Builder builder(
      EmbeddedControlPlane plane, String service, String token, TlsKind tls) {
    ConsulConfig config =
        ConsulConfig.builder()
            .address("http://" + plane.httpAddr())
            .token(token)
            .basicAuth("anna", PASSWORD)
            .build();
    MeshClient.Builder builder = MeshClient.builder(service).consul(config);
    tls.provider().ifPresent(builder::tlsProvider);
    return builder;
  }

  private void look(MeshClient... clients) throws Exception {
    for (MeshClient client : clients) {
      tell("client", client);
      tell("snapshot", client.snapshot());
      tell("identity", client.identity());
      tell("explained", client.explain("web"));
      for (Object part : Reachable.from(client)) {
        tell(part.getClass().getName(), part);
      }
    }
  }

  /** Every spelling in which a private key could be written down. */
  private static void keys(Map<String, String> secrets, MeshClient... clients) {
    for (MeshClient client : clients) {
      int found = 0;
      for (Object part : Reachable.from(client)) {
        if (part instanceof WorkloadIdentity identity
            && identity.privateKey() instanceof ECPrivateKey key) {
          found++;
          String name = client.service() + "'s key " + identity.leaf().getSerialNumber();
          String base64 = Base64.getEncoder().encodeToString(key.getEncoded());
          secrets.put(name + " as PEM", base64.substring(base64.length() - 40));
          secrets.put(name + " in hexadecimal", key.getS().toString(16));
          secrets.put(name + " in decimal", key.getS().toString());
          secrets.put(
              name + " as bytes", HexFormat.of().formatHex(key.getEncoded()).substring(80, 120));
        }
      }
      assertThat(found).as("keys held by " + client.service()).isPositive();
    }
  }

  private void everythingGoesWrong(
      EmbeddedControlPlane plane, MeshClient web, MeshClient db, Echo echo, TlsKind tls)
      throws Exception {
    plane.deny("web", "db");
    Cast.await("db denies", () -> !db.explain("web").isAllowed());
    failing(() -> web.dial("db"));
    plane.allow("web", "db");
    Cast.awaitReaches(web, "db", true);
    failing(() -> web.dial("nobody"));
    RawPeer stranger =
        RawPeer.of(
            io.meshnative.spi.TlsProvider.jsse().provider(),
            MeshTestAuthority.create().issue(io.meshnative.testkit.LeafSpec.service("web")));
    failing(() -> {
      stranger.ping(echo.port(), "TLSv1.3");
      return null;
    });
    if (tls == TlsKind.JSSE) { // the control plane's part is the same on each engine
      for (Runnable fault :
          new Runnable[] {
            () -> plane.faults().status("/v1/", 500, "internal error of the agent"),
            () -> plane.faults().leafWithOtherKey(true),
          }) {
        fault.run();
        plane.reissueLeaves();
        Cast.await("web is told", () -> web.state() == MeshState.STALE);
        look(web);
        plane.faults().reset();
        Cast.await("web recovers", () -> web.state() == MeshState.READY);
      }
    }
    long before = web.trustGeneration();
    plane.rotateRoot();
    Cast.await("web has a leaf of the new root", () -> web.trustGeneration() > before);
  }

  /** Clients that never get ready: a wrong token, a login that fails, nobody there. */
  private void lateAndWrong(EmbeddedControlPlane plane, Path bearer, TlsKind tls) {
    failing(() -> {
      try (MeshClient client = builder(plane, "db", JWT, tls).build()) {
        client.subscribe(this::hear);
        client.awaitReady(Duration.ofMillis(500));
      }
      return null;
    });
    ConsulConfig login =
        ConsulConfig.builder()
            .address("http://" + plane.httpAddr())
            .login(ConsulLogin.of("no-such-method", bearer))
            .build();
    tell("config", login);
    failing(() -> {
      try (MeshClient client = MeshClient.builder("db").consul(login).build()) {
        client.subscribe(this::hear);
        client.awaitReady(Duration.ofMillis(500));
      }
      return null;
    });
    failing(() ->
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_TOKEN", JWT + " ", "CONSUL_HTTP_AUTH", "anna:" + PASSWORD)));
    failing(() ->
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_ADDR", "http://anna:" + PASSWORD + "@127.0.0.1:8500")));
    failing(() ->
        ConsulConfig.fromEnvironment(
            Map.of("CONSUL_HTTP_ADDR", "http://127.0.0.1:8500/?token=" + JWT)));
  }

  // ---- T50 ----

  /** Sockets of this process that listen, by their inodes. */
  private static Set<String> listening() throws IOException {
    Set<String> all = new TreeSet<>();
    for (String table : new String[] {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
      for (String line : Files.readAllLines(Path.of(table))) {
        String[] fields = line.trim().split("\\s+");
        if (fields.length > 9 && fields[3].equals("0A")) {
          all.add("socket:[" + fields[9] + "]");
        }
      }
    }
    Set<String> ours = new TreeSet<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors.toList()) {
        try {
          ours.add(Files.readSymbolicLink(descriptor).toString());
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    }
    ours.retainAll(all);
    return ours;
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void t50AClientListensNowhereAndExportsNothing(TlsKind tls) throws Exception {
    Assumptions.assumeTrue(Files.exists(Path.of("/proc/self/net/tcp")), "no /proc here");
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane, tls.provider())) {
      Set<?> beans = ManagementFactory.getPlatformMBeanServer().queryNames(null, null);
      Set<String> before = listening();
      MeshClient web = cast.client("web");
      web.serverContext().createSSLEngine();
      web.requestGate().arm();
      Set<String> after = listening();
      after.removeAll(before);
      assertThat(after).as("listening sockets that nobody asked for").isEmpty();
      assertThat(ManagementFactory.getPlatformMBeanServer().queryNames(null, null))
          .as("managed beans")
          .isEqualTo(beans);
      cast.listen(web);
      after = listening();
      after.removeAll(before);
      assertThat(after).as("the one that was asked for").hasSize(1);
    }
  }

  @Test
  void t51TheWalkThroughAnObjectFindsWhatLiesDeepInIt() {
    MeshTestAuthority authority = MeshTestAuthority.create();
    try (MeshClient db =
        MeshClient.builder("db")
            .controlPlane(FakeControlPlane.allowingAll(authority, "db"))
            .build()) {
      assertThat(Reachable.from(db)).anyMatch(part -> part instanceof WorkloadIdentity);
    }
  }
}
