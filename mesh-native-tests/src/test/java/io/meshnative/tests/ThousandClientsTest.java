package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.ConsulId;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a thousand closed clients leave behind: nothing. Each has watched an agent over HTTP,
 * dialled and listened, and holds a connection in each direction when it is closed.
 */
@ExtendWith(Quiet.class)
@Tag("alone")
class ThousandClientsTest {
  private static final Destination WEB = Destination.parse("web");
  private static final int CLIENTS = 1000;

  /** What runs before counting: it loads classes, compiles code, fills the allocator's arenas. */
  private static final int WARM = 200;

  private static final int LANES = 2;

  /** Open at a time in each lane, so that closing one meets others at work. */
  private static final int AT_ONCE = 5;

  /**
   * What heap, code and allocators may grow by: the second look. A thousand clients that leaked a
   * thread's stack or two contexts of BoringSSL each would exceed it.
   */
  private static final long RESIDENT_SLACK_MEGABYTES = 128;

  /** The library's own classes of which one goes with each client, watch or connection. */
  private static final Predicate<String> OURS =
      name ->
          List.of(
                  "io.meshnative.internal.client.InProcessMeshClient",
                  "io.meshnative.internal.consul.AgentClient",
                  "io.meshnative.internal.consul.WatchThread",
                  "io.meshnative.internal.tls.MeshEngine",
                  "io.meshnative.internal.tls.TrustEpoch",
                  "io.meshnative.internal.transport.LiveConnection",
                  "io.meshnative.internal.transport.Acceptor")
              .contains(name);

  /** A client that has dialled, was called, and holds both connections. */
  private record Live(MeshClient web, SSLSocket dialled, SSLSocket caller) {
    /** Closes the client only; what its peer sees is the end of their connection. */
    void close() throws IOException {
      web.close();
      assertThat(dialled.isClosed()).isTrue();
      caller.setSoTimeout((int) Cast.GUARD.toMillis());
      try (caller) {
        assertThat(caller.getInputStream().read()).isEqualTo(-1);
      } catch (java.net.SocketTimeoutException e) {
        throw e;
      } catch (IOException e) {
        // Cut, not ended: as good.
      }
    }
  }

  /** The services that every client meets. */
  private record World(EmbeddedPlane plane, Cast cast, MeshClient db) implements AutoCloseable {
    static World start(TlsKind tls) throws Exception {
      EmbeddedPlane plane = EmbeddedPlane.start(true);
      Cast cast = new Cast(plane, tls.provider());
      MeshClient db = cast.registered("db");
      cast.echo(db);
      return new World(plane, cast, db);
    }

    private Live live() throws Exception {
      MeshClient web = cast.builder("web").build();
      web.awaitReady(Cast.GUARD);
      SSLSocket dialled = web.dial("db");
      Echo.ping(dialled);
      MeshServerSocket server = web.listen(Cast.loopback(), ListenOptions.defaults());
      DialOptions there =
          DialOptions.defaults()
              .withTimeout(Cast.GUARD)
              .withEndpoint(endpoint(web, server.getLocalPort()));
      SSLSocket caller = db.dial(WEB, there);
      SSLSocket called = server.accept();
      called.getOutputStream().write('?');
      assertThat(caller.getInputStream().read()).isEqualTo('?');
      return new Live(web, dialled, caller);
    }

    private static Endpoint endpoint(MeshClient web, int port) {
      ConsulId.Service id = (ConsulId.Service) web.identity().id().consulId().orElseThrow();
      return new Endpoint("web-" + port, "node", "127.0.0.1", port, id, Endpoint.Kind.NATIVE, 1);
    }

    /** Opens and closes this many, one after the other, a few open at any time. */
    private void lane(int clients) {
      Deque<Live> open = new ArrayDeque<>();
      try {
        for (int i = 0; i < clients; i++) {
          open.add(live());
          if (open.size() == AT_ONCE) {
            open.remove().close();
          }
        }
        while (!open.isEmpty()) {
          open.remove().close();
        }
      } catch (Exception e) {
        open.forEach(each -> each.web.close());
        throw new IllegalStateException(e);
      }
    }

    void run(int clients) {
      List<CompletableFuture<Void>> lanes = new ArrayList<>();
      for (int lane = 0; lane < LANES; lane++) {
        lanes.add(Background.run(() -> lane(clients / LANES)));
      }
      lanes.forEach(CompletableFuture::join);
    }

    @Override
    public void close() throws Exception {
      cast.close();
      plane.close();
    }
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void clientsThatWereClosedLeaveNothing(TlsKind tls) throws Exception {
    Footprint.requireProc();
    try (World world = World.start(tls)) {
      world.run(WARM);
      awaitNoClient(world);
      Map<String, Long> ours = Footprint.instances(OURS);
      Map<String, Long> natives = Footprint.instances(Footprint::ownsNativeMemory);
      Map<String, Integer> files = Footprint.openFiles();
      int threads = Footprint.threads("").size();
      long resident = Footprint.residentMegabytes();

      world.run(CLIENTS);
      awaitNoClient(world);
      Awaitility.await("as much is held as before")
          .atMost(Cast.GUARD.multipliedBy(3)) // pools keep an idle thread for a minute
          .untilAsserted(() -> {
            assertThat(Footprint.instances(OURS)).isEqualTo(ours);
            assertNoMore(Footprint.instances(Footprint::ownsNativeMemory), natives);
            assertNoMore(Footprint.openFiles(), files);
            // The control plane's and the HTTP client's pools breathe; they do not grow.
            assertThat(Footprint.threads("").size()).isLessThan(threads + CLIENTS / 20);
          });
      assertThat(Footprint.residentMegabytes())
          .as("MiB resident after %d clients", CLIENTS)
          .isLessThan(resident + RESIDENT_SLACK_MEGABYTES);
    }
    awaitNoThread("mesh-db-");
  }

  private static <N extends Number> void assertNoMore(Map<String, N> now, Map<String, N> before) {
    assertThat(now)
        .allSatisfy((kind, count) ->
            assertThat(count.longValue())
                .as(kind)
                .isLessThanOrEqualTo(before.containsKey(kind) ? before.get(kind).longValue() : 0));
  }

  private static void awaitNoClient(World world) {
    awaitNoThread("mesh-web-");
    Cast.await(
        "db holds no connection of theirs", () -> world.db.snapshot().connections().isEmpty());
    // Their connections to the agent: what is left are those of db.
    Cast.await("the agent's connections have ended", () -> agentConnectionsAreOf(world));
  }

  private static boolean agentConnectionsAreOf(World world) {
    return world.plane.plane().openConnections() <= 8;
  }

  private static void awaitNoThread(String prefix) {
    Awaitility.await("no thread " + prefix)
        .atMost(Cast.GUARD)
        .untilAsserted(() -> assertThat(Footprint.threads(prefix)).isEmpty());
  }
}
