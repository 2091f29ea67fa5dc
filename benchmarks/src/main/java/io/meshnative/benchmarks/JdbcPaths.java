package io.meshnative.benchmarks;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.MeshServerSocket;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshJdbcOptions;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * From a driver to a real database: through the mesh to our own listener in front of it, to the
 * database itself, and to a sidecar in front of it; by plain TCP; by TLS as the driver and the
 * database do it without a mesh; and through sidecars on both sides.
 */
final class JdbcPaths implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** The database as the service that it is behind our listener. */
  private static final String SERVICE = "db";

  /** The database as the service whose certificate it presents itself. */
  private static final String ITSELF = "db-itself";

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final List<JdbcPath> paths = new ArrayList<>();
  private final List<String> missing = new ArrayList<>();

  /** Those on which the database itself does TLS. */
  private final Map<String, JdbcPath> itself = new LinkedHashMap<>();

  private final JdbcPath.Work work;
  private final EmbeddedControlPlane plane;
  private final Database database;
  private int compared;

  JdbcPaths(Database.Kind kind, JdbcPath.Work work) throws Exception {
    this.work = work;
    this.plane = keep(EmbeddedControlPlane.builder().defaultAllow(false).start());
    try {
      this.database = keep(Database.start(kind, plane.caIssue(ITSELF), plane.roots().get(0)));
      MeshClient web = member("web", plane.httpAddr());
      keep(MeshClients.register("plane", web)::close);
      listener(web);
      if (kind == Database.Kind.POSTGRESQL) {
        databaseItself();
      }
      compared = paths.size();
      add("plain TCP", database.plainUrl(database.port()));
      byHand(kind);
      builtInProxies();
      envoys(web);
    } catch (Exception | Error e) {
      close();
      throw e;
    }
  }

  /** Ours that the others are compared with, then the others. */
  List<JdbcPath> all() {
    return List.copyOf(paths);
  }

  /** How many the others are compared with. */
  int compared() {
    return compared;
  }

  /** Which others there are not, and why. */
  List<String> missing() {
    return List.copyOf(missing);
  }

  /** What database and client agreed on, where they did. */
  List<String> agreed() throws Exception {
    List<String> lines = new ArrayList<>();
    for (Map.Entry<String, JdbcPath> path : itself.entrySet()) {
      lines.add(path.getKey() + ": " + path.getValue().one(database.agreedSql()));
    }
    return lines;
  }

  private <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  private JdbcPath add(String name, String url, Process... between) {
    List<Process> others = new ArrayList<>(List.of(between));
    others.add(database.process());
    JdbcPath path = keep(new JdbcPath(name, url, work, others));
    paths.add(path);
    return path;
  }

  private MeshClient member(String service, String agent) throws Exception {
    MeshClient client =
        keep(
            MeshClient.builder(service)
                .consul(ConsulConfig.builder().address(agent).build())
                .tlsProvider(Engine.CONSCRYPT.provider())
                .build());
    client.awaitReady(PATIENCE);
    return client;
  }

  private String meshUrl(String service, String client) {
    return MeshJdbcUrl.rewrite(
        database.url(service, ""), MeshJdbcOptions.defaults().withClient(client));
  }

  private void listener(MeshClient web) throws Exception {
    plane.allow("web", SERVICE);
    MeshClient db = member(SERVICE, plane.httpAddr());
    MeshServerSocket server =
        keep(
            db.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                ListenOptions.defaults()));
    start(() -> serve(server));
    plane.register(SERVICE, "db-1", "127.0.0.1", server.getLocalPort());
    web.endpointPool(Destination.parse(SERVICE), PATIENCE);
    add("mesh to our listener", meshUrl(SERVICE, "plane"));
  }

  private void databaseItself() {
    plane.allow("web", ITSELF);
    String name = "mesh to the server's own TLS";
    itself.put(
        name,
        add(
            name,
            database.url(
                "127.0.0.1:" + database.port(),
                "&sslmode=verify-full&sslfactory=io.meshnative.jdbc.PostgresTlsFactory"
                    + "&sslhostnameverifier=io.meshnative.jdbc.SpiffeHostnameVerifier&meshService="
                    + ITSELF
                    + "&meshClient=plane")));
  }

  private void byHand(Database.Kind kind) throws Exception {
    String name = "driver's own TLS";
    itself.put(kind.title() + ", " + name, add(name, database.tlsUrl()));
    if (kind == Database.Kind.POSTGRESQL) {
      String mutual = "driver's own TLS, mutual";
      itself.put(
          kind.title() + ", " + mutual,
          add(mutual, database.mutualTlsUrl(plane.caIssue("by-hand"))));
    }
  }

  private void builtInProxies() throws Exception {
    Optional<String> consul = Sidecars.find("consul");
    if (consul.isEmpty()) {
      missing.add("Consul's built-in proxies: no consul binary");
      return;
    }
    int agent = Sidecars.reserve();
    Sidecars.Pair pair = keep(new Sidecars()).builtIn(consul.get(), agent, database.port());
    MeshClient web = member("web", "127.0.0.1:" + agent);
    keep(MeshClients.register("agent", web)::close);
    web.endpointPool(Destination.parse("api"), PATIENCE);
    add("mesh to a built-in proxy", meshUrl("api", "agent"), pair.processes().get(1));
    add("built-in proxies", database.plainUrl(pair.port()), both(pair));
  }

  private void envoys(MeshClient web) throws Exception {
    Optional<String> envoy = Sidecars.find("envoy");
    if (envoy.isEmpty()) {
      missing.add("Envoys: no envoy binary");
      return;
    }
    IssuedCertificate own = plane.caIssue("db-envoy");
    Sidecars.Pair pair =
        keep(new Sidecars())
            .envoy(
                envoy.get(),
                Sidecars.Carried.TCP,
                database.port(),
                plane.roots().get(0),
                plane.caIssue("web"),
                own);
    plane.allow("web", "db-envoy");
    plane.register("db-envoy", "db-envoy-1", "127.0.0.1", pair.inbound());
    web.endpointPool(Destination.parse("db-envoy"), PATIENCE);
    add("mesh to an Envoy", meshUrl("db-envoy", "plane"), pair.processes().get(1));
    add("Envoys", database.plainUrl(pair.port()), both(pair));
  }

  private static Process[] both(Sidecars.Pair pair) {
    return pair.processes().toArray(new Process[0]);
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task, "listener");
    thread.setDaemon(true);
    thread.start();
  }

  /** In front of the database, a thread a direction, as simple as can be. */
  private void serve(MeshServerSocket server) {
    while (!server.isClosed()) {
      try {
        Socket caller = server.accept();
        Socket behind = new Socket(InetAddress.getLoopbackAddress(), database.port());
        behind.setTcpNoDelay(true);
        start(() -> copy(caller, behind));
        start(() -> copy(behind, caller));
      } catch (IOException e) {
        // Closed, or the caller has gone: the next one.
      }
    }
  }

  private static void copy(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException e) {
      // One side has ended, and the other ends with it.
    }
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
