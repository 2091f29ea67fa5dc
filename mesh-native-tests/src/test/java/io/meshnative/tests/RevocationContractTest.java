package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerRefusedException;
import io.meshnative.intention.Decision;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A right that is withdrawn ends what runs on it: by a deny where the default allows, by the end of
 * the allow where it denies. Each test is done twice, with one side alone holding policy, so that
 * nobody else can have cut.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, CONSCRYPT",
  "EMBEDDED, true, JSSE",
  "CONSUL, true, CONSCRYPT",
  "CONSUL, false, CONSCRYPT",
  "CONSUL, true, JSSE"
})
@Tag("T25")
@Tag("P4")
class RevocationContractTest extends Contract {
  /** A connection from web to db, both ends in hand. */
  private record Pair(
      MeshClient web, MeshClient db, SSLSocket near, SSLSocket far, List<MeshEvent> events) {
    MeshEvent.Withdrawn withdrawn() {
      return events.stream()
          .filter(MeshEvent.Withdrawn.class::isInstance)
          .map(MeshEvent.Withdrawn.class::cast)
          .findFirst()
          .orElseThrow();
    }
  }

  /** Connects; the policy is held by the server alone, or by the client alone. */
  private Pair connect(boolean serverCuts) throws Exception {
    grant("web", "db");
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    MeshClient db =
        cast.ready(
            (serverCuts ? cast.builder("db") : cast.lawlessBuilder("db"))
                .register(Cast.ofListener()));
    MeshClient web = cast.ready(serverCuts ? cast.lawlessBuilder("web") : cast.builder("web"));
    if (serverCuts) {
      awaitExplained(db, "web", true);
    } else {
      awaitExplained(web, io.meshnative.discovery.Destination.parse("db"), true);
    }
    cast.keep((serverCuts ? db : web).subscribe(events::add)::close);
    MeshServerSocket server = cast.listen(db);
    server.setSoTimeout((int) Cast.GUARD.toMillis());
    Cast.awaitEndpoint(web, "db");
    SSLSocket near = cast.keep(web.dial("db"));
    SSLSocket far = cast.keep(server.accept());
    near.setSoTimeout((int) Cast.GUARD.toMillis());
    far.setSoTimeout((int) Cast.GUARD.toMillis());
    near.getOutputStream().write('!');
    assertThat(far.getInputStream().read()).isEqualTo('!');
    far.getOutputStream().write('!');
    assertThat(near.getInputStream().read()).isEqualTo('!');
    return new Pair(web, db, near, far, events);
  }

  private static void assertCut(SSLSocket socket) {
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    assertThatThrownBy(() -> socket.getOutputStream().write('!')).isInstanceOf(IOException.class);
  }

  /** The side that holds the policy tells the rule to whoever reads or writes there. */
  private static void assertToldWhy(SSLSocket socket) {
    assertThatThrownBy(() -> socket.getInputStream().read())
        .satisfies(e -> {
          Throwable reason = e instanceof MeshAuthorizationException ? e : e.getCause();
          assertThat(reason)
              .isInstanceOf(MeshAuthorizationException.class)
              .hasMessageContaining("may call db");
        });
  }

  private void anIdleConnectionIsCut(boolean serverCuts) throws Exception {
    Pair pair = connect(serverCuts);
    withdraw("web", "db");
    SSLSocket cutting = serverCuts ? pair.far() : pair.near();
    Cast.await("the connection is closed though nobody touches it", cutting::isClosed);
    assertToldWhy(cutting);
    assertCut(pair.near());
    assertCut(pair.far());
    Cast.await(
        "the withdrawal is told",
        () -> pair.events().stream().anyMatch(MeshEvent.Withdrawn.class::isInstance));
    MeshEvent.Withdrawn withdrawn = pair.withdrawn();
    assertThat(withdrawn.direction())
        .isEqualTo(serverCuts ? MeshEvent.Direction.INBOUND : MeshEvent.Direction.OUTBOUND);
    assertThat(withdrawn.peer()).isEqualTo((serverCuts ? pair.web() : pair.db()).identity().id());
    assertThat((serverCuts ? pair.db() : pair.web()).snapshot().connections()).isEmpty();
  }

  @Test
  void theServerCutsAnIdleConnection() throws Exception {
    anIdleConnectionIsCut(true);
  }

  @Test
  void theClientCutsAnIdleConnection() throws Exception {
    anIdleConnectionIsCut(false);
  }

  private void aTransferIsCut(boolean serverCuts) throws Exception {
    Pair pair = connect(serverCuts);
    AtomicLong received = new AtomicLong();
    CompletableFuture<Throwable> writing =
        Background.supply(() -> failureOf(() -> pump(pair.near())));
    CompletableFuture<Throwable> reading =
        Background.supply(() -> failureOf(() -> drain(pair.far(), received)));
    Cast.await("the transfer runs", () -> received.get() > 1_000_000);
    withdraw("web", "db");
    assertThat(writing.get(60, TimeUnit.SECONDS)).isInstanceOf(IOException.class);
    assertThat(reading.get(60, TimeUnit.SECONDS))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    assertCut(pair.near());
    assertCut(pair.far());
  }

  @Test
  void theServerCutsAConnectionInTheMiddleOfATransfer() throws Exception {
    aTransferIsCut(true);
  }

  @Test
  void theClientCutsAConnectionInTheMiddleOfATransfer() throws Exception {
    aTransferIsCut(false);
  }

  private void blockedReadsAreWoken(boolean serverCuts) throws Exception {
    Pair pair = connect(serverCuts);
    Thread[] readers = new Thread[2];
    CompletableFuture<Throwable> near = blockedRead(pair.near(), readers, 0);
    CompletableFuture<Throwable> far = blockedRead(pair.far(), readers, 1);
    Cast.await("both read", () -> isInRead(readers[0]) && isInRead(readers[1]));
    withdraw("web", "db");
    assertThat(near.get(60, TimeUnit.SECONDS))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    assertThat(far.get(60, TimeUnit.SECONDS))
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    assertThat((serverCuts ? far : near).join()).isInstanceOf(MeshAuthorizationException.class);
  }

  @Test
  void theServerWakesReadersOnBothSides() throws Exception {
    blockedReadsAreWoken(true);
  }

  @Test
  void theClientWakesReadersOnBothSides() throws Exception {
    blockedReadsAreWoken(false);
  }

  @Test
  void aNewGrantLetsNewConnectionsThrough() throws Exception {
    Pair pair = connect(true);
    withdraw("web", "db");
    Cast.await("the connection is closed", pair.far()::isClosed);
    assertThatThrownBy(
            () -> {
              try (SSLSocket refused = pair.web().dial("db")) {
                Echo.ping(refused);
              }
            })
        .isInstanceOf(PeerRefusedException.class)
        .hasMessageContaining("intentions of db");
    plane.allow("web", "db");
    awaitExplained(pair.db(), "web", true);
    try (SSLSocket again = pair.web().dial("db")) {
      again.getOutputStream().write('!');
    }
    assertCut(pair.near()); // the old one stays cut
  }

  @Test
  void anExplicitDenyCutsWhatAnAllowLetThrough() throws Exception {
    plane.allow("web", "db");
    MeshClient db = cast.registered("db");
    MeshClient web = cast.lawless("web");
    awaitExplained(db, "web", true);
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    SSLSocket socket = cast.keep(web.dial("db"));
    Echo.ping(socket);
    plane.deny("web", "db");
    assertCut(socket);
    Cast.awaitReaches(web, "db", false);
  }

  @Test
  @Tag("T21")
  void permissionsDenyOnAListenerThatSeesNoRequests() throws Exception {
    assumeTrue(kind == PlaneKind.EMBEDDED, "Consul before 1.9 knows no permissions");
    Pair pair = connect(true);
    ((EmbeddedPlane) plane)
        .plane()
        .intention("web", "db", "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]");
    assertCut(pair.near());
    assertThat(pair.db().explain("web"))
        .isInstanceOfSatisfying(
            Decision.Denied.class,
            denied -> assertThat(denied.cause()).isEqualTo(Decision.Cause.NEEDS_REQUEST));
    assertThat(Cast.reaches(pair.web(), "db")).isFalse();
  }

  private interface Work {
    void run() throws IOException;
  }

  private static Throwable failureOf(Work work) {
    try {
      work.run();
      return null;
    } catch (IOException | RuntimeException e) {
      return e;
    }
  }

  private static void pump(SSLSocket socket) throws IOException {
    OutputStream out = socket.getOutputStream();
    byte[] bytes = new byte[16 * 1024];
    while (true) {
      out.write(bytes);
    }
  }

  private static void drain(SSLSocket socket, AtomicLong received) throws IOException {
    InputStream in = socket.getInputStream();
    byte[] buffer = new byte[16 * 1024];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      received.addAndGet(n);
    }
    throw new IllegalStateException("expected a cut, found a proper end");
  }

  private static CompletableFuture<Throwable> blockedRead(
      SSLSocket socket, Thread[] readers, int index) {
    CompletableFuture<Throwable> failure = new CompletableFuture<>();
    readers[index] =
        new Thread(() ->
            failure.complete(
                failureOf(() -> {
                  int read = socket.getInputStream().read();
                  throw new IllegalStateException("expected a cut, read " + read);
                })));
    readers[index].setDaemon(true);
    readers[index].start();
    return failure;
  }

  private static boolean isInRead(Thread thread) {
    for (StackTraceElement frame : thread.getStackTrace()) {
      if (frame.getClassName().contains("NioSocketImpl") && frame.getMethodName().equals("read")) {
        return true;
      }
    }
    return false;
  }
}
