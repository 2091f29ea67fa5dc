package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code close()} at the same moment as everything else that a client does. Each round starts all
 * of it at one barrier; what each call came to is recorded, and afterwards nothing of the client is
 * left, whichever went first.
 */
@Timeout(300)
@ExtendWith(Quiet.class)
class CloseRacesTest {
  private static final int ROUNDS = 30;

  private enum Outcome {
    /** It went first: it did what it does, and was ended. */
    DONE,
    /** The client was closed first, and the call says so. */
    REFUSED
  }

  private interface Call {
    Outcome run() throws Exception;
  }

  private final MeshTestAuthority authority = MeshTestAuthority.create();

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void closingAtOnceWithEverythingElseLeavesNothing(TlsKind tls) throws Exception {
    TlsProvider provider = tls.provider().orElse(null);
    Map<Outcome, Integer> dials = new EnumMap<>(Outcome.class);
    Map<Outcome, Integer> listens = new EnumMap<>(Outcome.class);
    try (MeshClient db = client("db", FakeControlPlane.allowingAll(authority, "db"), provider);
        Echo echo = new Echo(db.listen(Cast.loopback(), ListenOptions.defaults()))) {
      for (int round = 0; round < ROUNDS; round++) {
        FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
        plane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
        MeshClient web = client("web", plane, provider);
        MeshServerSocket server = web.listen(Cast.loopback(), ListenOptions.defaults());
        List<Socket> dialled = new ArrayList<>();
        List<MeshServerSocket> opened = new ArrayList<>();
        CyclicBarrier start = new CyclicBarrier(7);

        CompletableFuture<Outcome> closing =
            at(
                start,
                () -> {
                  web.close();
                  return Outcome.DONE;
                });
        CompletableFuture<Outcome> dialling = at(start, () -> dial(web, dialled));
        CompletableFuture<Outcome> listening = at(start, () -> listen(web, opened));
        CompletableFuture<Outcome> accepting = at(start, () -> accept(server));
        CompletableFuture<Outcome> calling = at(start, () -> call(server.getLocalPort(), provider));
        CompletableFuture<Outcome> subscribing =
            at(
                start,
                () -> {
                  web.subscribe(event -> {}).close();
                  web.watch(Destination.parse("api"), set -> {});
                  return Outcome.DONE;
                });
        CompletableFuture<Outcome> pushing =
            at(
                start,
                () -> {
                  plane.intentions(
                      FakeControlPlane.update(io.meshnative.intention.DefaultDecision.ALLOW));
                  plane.issue(authority, "web");
                  return Outcome.DONE;
                });
        for (CompletableFuture<Outcome> each :
            List.of(closing, accepting, calling, subscribing, pushing)) {
          each.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
        }
        dials.merge(dialling.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS), 1, Integer::sum);
        listens.merge(listening.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS), 1, Integer::sum);

        assertThat(web.state()).isEqualTo(MeshState.CLOSED);
        Cast.await("no connection is left", () -> web.snapshot().connections().isEmpty());
        assertThat(web.explain(Destination.parse("db")).isAllowed()).isFalse();
        for (MeshServerSocket each : opened) {
          assertThat(each.isClosed()).as("a listener of a closed client").isTrue();
          refused(each.getLocalPort());
        }
        assertThat(server.isClosed()).isTrue();
        for (Socket socket : dialled) {
          Cast.await("a dialled socket ends with its client", () -> isDead(socket));
        }
        assertThat(plane.openWatches()).as("watches of endpoints").isZero();
        assertThat(plane.isClosed()).isTrue();
      }
      Cast.await(
          "no connection is left at the other end", () -> db.snapshot().connections().isEmpty());
    }
    assertThat(dials.values().stream().mapToInt(i -> i).sum()).isEqualTo(ROUNDS);
    assertThat(listens.values().stream().mapToInt(i -> i).sum()).isEqualTo(ROUNDS);
  }

  private static MeshClient client(String service, FakeControlPlane plane, TlsProvider provider) {
    MeshClient.Builder builder = MeshClient.builder(service).controlPlane(plane);
    if (provider != null) {
      builder.tlsProvider(provider);
    }
    return builder.build();
  }

  private static CompletableFuture<Outcome> at(CyclicBarrier start, Call call) {
    return Background.supply(() -> {
      try {
        start.await(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
        return call.run();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    });
  }

  private static Outcome dial(MeshClient web, List<Socket> dialled) throws IOException {
    try {
      SSLSocket socket =
          web.dial(
              Destination.parse("db"), DialOptions.defaults().withTimeout(Duration.ofSeconds(30)));
      dialled.add(socket);
      return Outcome.DONE;
    } catch (MeshException e) {
      return Outcome.REFUSED;
    }
  }

  private static Outcome listen(MeshClient web, List<MeshServerSocket> opened) throws IOException {
    try {
      opened.add(web.listen(Cast.loopback(), ListenOptions.defaults()));
      return Outcome.DONE;
    } catch (MeshException e) {
      return Outcome.REFUSED;
    }
  }

  private static Outcome accept(MeshServerSocket server) throws IOException {
    try (Socket socket = server.accept()) {
      return Outcome.DONE;
    } catch (SocketException e) {
      return Outcome.REFUSED;
    }
  }

  /** Somebody calls the listener that is being closed. */
  private Outcome call(int port, TlsProvider provider) {
    RawPeer caller =
        RawPeer.of(
            (provider == null ? TlsProvider.jsse() : provider).provider(),
            authority.issue(io.meshnative.testkit.LeafSpec.service("db")));
    try (SSLSocket socket = caller.connect(port)) {
      socket.startHandshake();
      return socket.getInputStream().read() < 0 ? Outcome.DONE : Outcome.REFUSED;
    } catch (IOException e) {
      return Outcome.REFUSED;
    }
  }

  private static void refused(int port) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      throw new AssertionError("somebody still listens at " + socket.getRemoteSocketAddress());
    } catch (ConnectException e) {
      // Nobody does.
    }
  }

  private static boolean isDead(Socket socket) {
    try {
      socket.setSoTimeout(1);
      return socket.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
