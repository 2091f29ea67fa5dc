package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What Java programs take: socket factories and TLS contexts, each proved by bytes that arrive or
 * do not.
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
class SocketsContractTest extends Contract {
  private static final Destination DB = Destination.parse("db");

  /** A db that echoes, known to a web that may call it. */
  private record Stage(MeshClient web, MeshClient db, Echo echo) {}

  private Stage stage() throws Exception {
    grant("web", "db");
    MeshClient db = cast.registered("db");
    awaitExplained(db, "web", true);
    MeshClient web = cast.client("web");
    awaitExplained(web, DB, true);
    Echo echo = cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    return new Stage(web, db, echo);
  }

  @Test
  void aDeferredSocketReachesTheDestinationWhateverAddressItIsGiven() throws Exception {
    Stage stage = stage();
    SocketFactory factory = stage.web().socketFactory(DB, DialOptions.defaults());
    for (InetSocketAddress address :
        new InetSocketAddress[] {
          InetSocketAddress.createUnresolved("no-such-host.invalid", 5432),
          new InetSocketAddress("192.0.2.1", 1),
          new InetSocketAddress(InetAddress.getLoopbackAddress(), 1)
        }) {
      try (Socket socket = factory.createSocket()) {
        assertThat(socket.isConnected()).isFalse();
        socket.connect(address, (int) Cast.GUARD.toMillis());
        Echo.ping(socket);
        assertThat(socket).isInstanceOf(SSLSocket.class);
        assertThat(socket.getPort()).isEqualTo(stage.echo().port());
      }
    }
    try (Socket atOnce = factory.createSocket("no-such-host.invalid", 1)) {
      Echo.ping(atOnce);
    }
    assertThat(stage.echo().accepted()).isEqualTo(4);
  }

  @Test
  void anAddressStandsForADestinationWhereADriverChoosesAmongSeveral() throws Exception {
    Stage stage = stage();
    grant("web", "cache");
    MeshClient cache = cast.registered("cache");
    awaitExplained(cache, "web", true);
    Echo other = cast.echo(cache);
    Destination second = Destination.parse("cache");
    awaitExplained(stage.web(), second, true);
    Cast.awaitEndpoint(stage.web(), "cache");
    SocketFactory factory =
        stage
            .web()
            .socketFactory(
                address -> ((InetSocketAddress) address).getPort() == 1 ? DB : second,
                DialOptions.defaults());
    for (int port : new int[] {1, 2}) {
      try (Socket socket = factory.createSocket()) {
        socket.connect(
            InetSocketAddress.createUnresolved("localhost", port), (int) Cast.GUARD.toMillis());
        Echo.ping(socket);
        assertThat(socket.getPort()).isEqualTo(port == 1 ? stage.echo().port() : other.port());
      }
    }
    try (Socket atOnce = factory.createSocket("localhost", 2)) {
      Echo.ping(atOnce);
      assertThat(atOnce.getPort()).isEqualTo(other.port());
    }
  }

  /** A driver asks isClosed() before each statement, and would not meet the reason otherwise. */
  @Test
  void aSocketOfADriverIsClosedByItsOwnerAloneAndTellsTheReasonByItsReads() throws Exception {
    grant("web", "db");
    // It asks for no policy: what ends a connection is the caller's own doing.
    MeshClient db = cast.ready(cast.lawlessBuilder("db").register(Cast.ofListener()));
    cast.echo(db);
    MeshClient web = cast.client("web");
    awaitExplained(web, DB, true);
    Cast.awaitEndpoint(web, "db");
    try (Socket socket = web.socketFactory(DB, DialOptions.defaults()).createSocket();
        SSLSocket dialled = web.dial("db")) {
      socket.connect(InetSocketAddress.createUnresolved("db", 1), (int) Cast.GUARD.toMillis());
      Echo.ping(socket);
      Echo.ping(dialled);
      plane.deny("web", "db");
      awaitExplained(web, DB, false);
      Cast.await("both are cut", () -> web.snapshot().connections().isEmpty());
      assertThat(dialled.isClosed()).isTrue();
      assertThat(socket.isClosed()).isFalse();
      assertThatThrownBy(() -> socket.getInputStream().read())
          .isInstanceOf(MeshAuthorizationException.class);
      assertThatThrownBy(() -> socket.setSoTimeout(1))
          .hasMessageContaining("default/web => default/db");
      socket.close();
      assertThat(socket.isClosed()).isTrue();
      assertThatThrownBy(() -> socket.setSoTimeout(1)).hasMessage("Socket is closed");
    }
  }

  @Test
  void aSocketOfTheCallersAddressAcceptsTheDestinationOnly() throws Exception {
    Stage stage = stage();
    SSLSocketFactory factory = stage.web().sslSocketFactory(DB);
    try (Socket socket = factory.createSocket("127.0.0.1", stage.echo().port())) {
      Echo.ping(socket);
    }
    try (Socket socket = factory.createSocket()) {
      socket.connect(
          new InetSocketAddress("127.0.0.1", stage.echo().port()), (int) Cast.GUARD.toMillis());
      Echo.ping(socket);
    }
    try (Socket raw = new Socket("127.0.0.1", stage.echo().port());
        Socket layered = factory.createSocket(raw, "127.0.0.1", stage.echo().port(), true)) {
      Echo.ping(layered);
    }
    plane.allow("web", "cache");
    MeshClient cache = cast.client("cache");
    awaitExplained(cache, "web", true);
    Echo other = cast.echo(cache);
    assertThatThrownBy(() -> factory.createSocket("127.0.0.1", other.port()))
        .satisfies(e -> assertIsNotDb(identityIn(e), stage, cache));
    assertThat(other.bytes()).isZero();
  }

  private static PeerIdentityException identityIn(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof PeerIdentityException identity) {
        return identity;
      }
    }
    throw new AssertionError("expected a PeerIdentityException, found " + failure, failure);
  }

  private static void assertIsNotDb(PeerIdentityException e, Stage stage, MeshClient found) {
    assertThat(e.expected()).isEqualTo(stage.db().identity().id().toString());
    assertThat(e.actual()).contains(found.identity().id().toString());
    assertThat(e)
        .hasMessageContaining("expected " + stage.db().identity().id())
        .hasMessageContaining("found " + found.identity().id())
        .hasMessageContaining("look at its registration");
  }

  @Test
  @Tag("T08")
  @Tag("T13")
  void theCatalogsLiesAreFoundOutInTheHandshake() throws Exception {
    grant("web", "db");
    MeshClient cache = cast.client("cache");
    plane.allow("web", "cache");
    awaitExplained(cache, "web", true);
    Echo other = cast.echo(cache);
    plane.register("db", "db-lie", "127.0.0.1", other.port());
    try {
      MeshClient web = cast.client("web");
      awaitExplained(web, DB, true);
      Cast.awaitEndpoint(web, "db");
      assertThatThrownBy(() -> web.dial("db"))
          .isInstanceOfSatisfying(
              PeerIdentityException.class,
              e -> {
                assertThat(e.expected()).endsWith("/svc/db");
                assertThat(e.actual()).contains(cache.identity().id().toString());
              });
      assertThat(other.bytes()).isZero();
    } finally {
      plane.deregister("db-lie");
    }
  }

  @Test
  void plainEngineLoopsTalkAndAreCut() throws Exception {
    Stage stage = stage();
    SSLContext client = stage.web().clientContext(DB);
    SSLContext server = stage.db().serverContext();
    assertThat(stage.web().clientContext(Destination.parse("db"))).isSameAs(client);
    assertThat(stage.db().serverContext()).isSameAs(server);
    EngineLoop loop =
        new EngineLoop(client.createSSLEngine(), server.createSSLEngine()).handshake();
    assertThat(loop.send("hello")).isEqualTo("hello");
    assertThat(loop.answer("who calls?")).isEqualTo("who calls?");
    assertThat(stage.db().peer(loop.server().getSession()).id())
        .isEqualTo(stage.web().identity().id());
    stage.web().verifyPeer(loop.client().getSession(), DB);
    assertThatThrownBy(
            () -> stage.web().verifyPeer(loop.client().getSession(), Destination.parse("cache")))
        .isInstanceOf(PeerIdentityException.class);

    withdraw("web", "db");
    awaitExplained(stage.db(), "web", false);
    awaitExplained(stage.web(), DB, false);
    assertThatThrownBy(() -> loop.answer("not any more"))
        .isInstanceOf(SSLException.class)
        .hasCauseInstanceOf(MeshAuthorizationException.class);
    assertThatThrownBy(() -> loop.send("not any more"))
        .isInstanceOf(SSLException.class)
        .hasCauseInstanceOf(MeshAuthorizationException.class);
    assertThatThrownBy(() -> stage.db().peer(loop.server().getSession()))
        .isInstanceOf(MeshAuthorizationException.class);
    loop.end();
  }

  @Test
  void anEngineOfADeniedCallerNeverCarriesAByte() throws Exception {
    plane.deny("web", "db");
    MeshClient db = cast.client("db");
    MeshClient web = cast.lawless("web");
    awaitExplained(db, "web", false);
    EngineLoop loop =
        new EngineLoop(
            web.clientContext(DB).createSSLEngine(), db.serverContext().createSSLEngine());
    assertThatThrownBy(
            () -> {
              loop.handshake();
              loop.send("let me in");
            })
        .isInstanceOf(SSLException.class);
    assertThat(db.snapshot().connections()).isEmpty();
    assertThat(db.snapshot().lastDenials())
        .anySatisfy(denied -> assertThat(denied.peer()).contains(web.identity().id()));
    loop.end();
  }

  @Test
  void anEngineExpectsItsDestination() throws Exception {
    Stage stage = stage();
    plane.allow("web", "cache");
    MeshClient cache = cast.client("cache");
    awaitExplained(cache, "web", true);
    EngineLoop loop =
        new EngineLoop(
            stage.web().clientContext(DB).createSSLEngine(),
            cache.serverContext().createSSLEngine());
    assertThatThrownBy(loop::handshake)
        .isInstanceOf(SSLException.class)
        .satisfies(e -> assertIsNotDb(identityIn(e), stage, cache));
    loop.end();
  }

  @Test
  void theSocketFactoriesOfTheContextsTalkAndAreCut() throws Exception {
    Stage stage = stage();
    ServerSocket listening =
        cast.keep(
            stage
                .db()
                .serverContext()
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    Echo echo = cast.keep(new Echo(listening));
    Socket dialled =
        cast.keep(
            stage
                .web()
                .clientContext(DB)
                .getSocketFactory()
                .createSocket("127.0.0.1", echo.port()));
    Echo.ping(dialled);

    ServerSocket plain = cast.keep(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
    Socket near = cast.keep(new Socket("127.0.0.1", plain.getLocalPort()));
    Socket far = cast.keep(plain.accept());
    SSLSocketFactory layer = stage.db().serverContext().getSocketFactory();
    SSLSocket server =
        cast.keep((SSLSocket) layer.createSocket(far, "web", near.getLocalPort(), true));
    server.setUseClientMode(false);
    SSLSocket client =
        cast.keep(
            (SSLSocket)
                stage
                    .web()
                    .clientContext(DB)
                    .getSocketFactory()
                    .createSocket(near, "db", plain.getLocalPort(), true));
    Thread shaking = new Thread(() -> startHandshake(server));
    shaking.setDaemon(true);
    shaking.start();
    client.startHandshake();
    shaking.join(Cast.GUARD.toMillis());
    client.getOutputStream().write('!');
    assertThat(server.getInputStream().read()).isEqualTo('!');
    assertThat(stage.db().peer(server.getSession()).id()).isEqualTo(stage.web().identity().id());

    withdraw("web", "db");
    Cast.await("the layered server socket is closed", server::isClosed);
    Cast.await("the layered client socket is closed", client::isClosed);
    Cast.await("the factory's socket is closed", dialled::isClosed);
    assertThatThrownBy(() -> server.getInputStream().read()).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> dialled.getInputStream().read()).isInstanceOf(IOException.class);
  }

  private static void startHandshake(SSLSocket socket) {
    try {
      socket.startHandshake();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
