package io.meshnative.samples.quickstart;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.MeshServerSocket;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLSocket;

/**
 * Two services in one process talk over the mesh. An intention that turns to deny closes their open
 * connection; a rotation of the certificate authority drops nothing.
 *
 * <p>Runs on an embedded control plane, or, when {@code CONSUL_HTTP_ADDR} is set, on a real Consul
 * agent. There it registers {@code quickstart-db}, writes one intention and removes both; it
 * rotates the CA only if the agent runs in development mode or {@code QUICKSTART_ROTATE_CA=true} is
 * set.
 */
public final class Quickstart {
  private static final String WEB = "quickstart-web";
  private static final String DB = "quickstart-db";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /**
   * The library logs each change of state; here the program tells the story. Held: loggers are
   * collected.
   */
  private static final Logger LIBRARY = Logger.getLogger("io.meshnative");

  private final ControlPlaneApi api;

  private Quickstart(ControlPlaneApi api) {
    this.api = api;
  }

  /**
   * Runs it; the exit status is 0 if all of it worked.
   *
   * @param args unused
   * @throws Exception what went wrong
   */
  public static void main(String[] args) throws Exception {
    LIBRARY.setLevel(Level.SEVERE);
    String agent = System.getenv("CONSUL_HTTP_ADDR");
    if (agent != null && !agent.isBlank()) {
      say("Control plane: the Consul agent at " + agent);
      new Quickstart(ControlPlaneApi.fromEnvironment())
          .run(MeshClient.builder(DB), MeshClient.builder(WEB));
    } else {
      try (EmbeddedControlPlane plane = EmbeddedControlPlane.start()) {
        say("Control plane: embedded, at " + plane.address());
        ControlPlaneApi api = ControlPlaneApi.of(plane.address(), "");
        new Quickstart(api).run(api.client(DB), api.client(WEB));
      }
    }
    say("quickstart: OK");
  }

  @SuppressWarnings("try") // the server works by itself until it is closed
  private void run(MeshClient.Builder dbBuilder, MeshClient.Builder webBuilder) throws Exception {
    api.setIntention(WEB, DB, "allow");
    // Registered under the port of the first listener, as soon as there is one.
    dbBuilder.register(Registration.ofListener().withAddress("127.0.0.1"));
    try (MeshClient db = dbBuilder.build();
        MeshClient web = webBuilder.build()) {
      db.awaitReady(PATIENCE);
      web.awaitReady(PATIENCE);
      say("Identities: " + db.identity().id());
      say("            " + web.identity().id());
      say("TLS engine: " + web.snapshot().tlsProvider());
      try (MeshServerSocket listener =
              db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
          GreetingServer server = GreetingServer.start(db, listener)) {
        awaitEndpoint(web);
        talkUntilDenied(web);
        rotateUnderTraffic(web, db);
      }
    } finally {
      api.removeIntention(WEB, DB);
    }
  }

  @SuppressWarnings("try") // the watch ends with the block
  private static void awaitEndpoint(MeshClient web) throws InterruptedException, IOException {
    CountDownLatch found = new CountDownLatch(1);
    try (var watch =
        web.watch(
            Destination.parse(DB),
            set -> {
              if (!set.endpoints().isEmpty()) {
                found.countDown();
              }
            })) {
      if (!found.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new IOException("expected an endpoint of " + DB + " in the catalog, found none");
      }
    }
    say(WEB + " finds " + DB + " at " + web.endpoints(Destination.parse(DB)));
  }

  private void talkUntilDenied(MeshClient web) throws Exception {
    try (SSLSocket open = web.dial(DB)) {
      open.setSoTimeout((int) PATIENCE.toMillis());
      say(WEB + " dials " + DB + ": " + GreetingServer.ask(open, "who am I?"));

      say("An intention now denies " + WEB + " => " + DB + " …");
      api.setIntention(WEB, DB, "deny");
      say("  the open connection ends: " + awaitEnd(open));
    }
    try (SSLSocket refused = web.dial(DB)) {
      throw new IOException(
          "expected a refusal, found " + GreetingServer.ask(refused, "let me in"));
    } catch (MeshException e) {
      say("  a new dial is refused:    " + e.getMessage());
    }

    say("The intention allows again …");
    api.setIntention(WEB, DB, "allow");
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try (SSLSocket again = web.dial(DB)) {
        say("  " + GreetingServer.ask(again, "who am I?"));
        return;
      } catch (MeshException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(20); // the news is on its way
      }
    }
  }

  private static String awaitEnd(SSLSocket open) throws IOException {
    try {
      int read = open.getInputStream().read();
      if (read >= 0) {
        throw new IllegalStateException("expected no more data, found a byte");
      }
      return "closed by the peer";
    } catch (SocketTimeoutException e) {
      throw new IllegalStateException(
          "expected the connection to be closed, found it still open", e);
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private void rotateUnderTraffic(MeshClient web, MeshClient db) throws Exception {
    if (!api.mayRotate()) {
      say(
          "The CA is left alone: this agent is not in development mode (QUICKSTART_ROTATE_CA=true to rotate)");
      return;
    }
    long webBefore = web.trustGeneration();
    long dbBefore = db.trustGeneration();
    try (Traffic traffic = Traffic.start(web, DB)) {
      traffic.awaitRequests(50);
      say("The CA is rotated under traffic …");
      api.rotateRoot();
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (web.trustGeneration() == webBefore || db.trustGeneration() == dbBefore) {
        if (System.nanoTime() > end) {
          throw new IOException("expected new roots within " + PATIENCE + ", found none");
        }
        traffic.awaitRequests(traffic.requests() + 1);
      }
      traffic.awaitRequests(traffic.requests() + 200);
      traffic.stop();
      say(
          "  "
              + traffic.requests()
              + " requests, "
              + traffic.dials()
              + " dials, "
              + traffic.failures()
              + " failed");
      if (traffic.failures() > 0) {
        throw new IOException("expected no failed request", traffic.firstFailure());
      }
    }
  }

  static void say(String line) {
    System.out.println(line);
  }
}
