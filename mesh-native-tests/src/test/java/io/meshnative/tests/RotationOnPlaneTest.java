package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.spi.TrustUpdate;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The embedded plane's authority rotates its roots and leaves under traffic, and no request fails;
 * each end tells the other which certificate it means to be, and the other has seen exactly that
 * one, with a chain that fits. One service runs on Conscrypt and the other on JSSE, and they call
 * each other.
 */
class RotationOnPlaneTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private static final Duration NEARLY_OVER = Duration.ofSeconds(2);

  private final Queue<String> mixed = new ConcurrentLinkedQueue<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Set<String> leavesSeen = ConcurrentHashMap.newKeySet();

  private static byte[] hash(Certificate certificate) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What the peer claims to be is what it has shown and proven, and its chain holds together. */
  private void check(SSLSession session, byte[] claimed, String where) throws IOException {
    X509Certificate[] chain =
        Arrays.stream(session.getPeerCertificates())
            .map(X509Certificate.class::cast)
            .toArray(X509Certificate[]::new);
    if (!MessageDigest.isEqual(hash(chain[0]), claimed)) {
      mixed.add(where + " saw another leaf than the peer meant to show");
    }
    try {
      for (int i = 0; i + 1 < chain.length; i++) {
        chain[i].verify(chain[i + 1].getPublicKey());
      }
    } catch (GeneralSecurityException e) {
      mixed.add(where + " saw a chain that does not hold together: " + e);
    }
    leavesSeen.add(chain[0].getSerialNumber().toString());
  }

  /** Exchanges what both ends mean to be. */
  private void request(SSLSocket socket) throws IOException {
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    out.write(hash(socket.getSession().getLocalCertificates()[0]));
    out.flush();
    check(
        socket.getSession(),
        new DataInputStream(socket.getInputStream()).readNBytes(32),
        "the caller");
  }

  private void serve(MeshServerSocket server) {
    Thread accepting =
        new Thread(() -> {
          while (!server.isClosed()) {
            try {
              SSLSocket socket = (SSLSocket) server.accept();
              Thread serving = new Thread(() -> answer(socket), "rotation-serve");
              serving.setDaemon(true);
              serving.start();
            } catch (IOException e) {
              if (!server.isClosed()) {
                failures.add(e);
              }
            }
          }
        });
    accepting.setDaemon(true);
    accepting.start();
  }

  private void answer(SSLSocket accepted) {
    try (SSLSocket socket = accepted) {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      byte[] own = hash(socket.getSession().getLocalCertificates()[0]);
      for (byte[] claimed = in.readNBytes(32); claimed.length == 32; claimed = in.readNBytes(32)) {
        check(socket.getSession(), claimed, "the callee");
        out.write(own);
        out.flush();
      }
    } catch (IOException e) {
      // The caller has gone; if that was too early it says so itself.
    }
  }

  /** Requests over fresh connections, or over one that is kept as pools keep it. */
  private final class Traffic implements AutoCloseable {
    private final MeshClient caller;
    private final MeshClient callee;
    private final boolean pooled;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong answers = new AtomicLong();
    private final Thread thread;

    Traffic(MeshClient caller, MeshClient callee, boolean pooled) {
      this.caller = caller;
      this.callee = callee;
      this.pooled = pooled;
      this.thread = new Thread(this::run, "rotation-" + caller.service());
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      while (!over.get()) {
        long generation = caller.trustGeneration();
        try (SSLSocket socket = caller.dial(callee.service())) {
          socket.setSoTimeout(60_000);
          do {
            request(socket);
            answers.incrementAndGet();
          } while (pooled
              && !over.get()
              && generation == caller.trustGeneration()
              && !isNearlyOver(socket.getSession()));
        } catch (IOException | RuntimeException e) {
          // A plane that renews too late, on a machine that is too slow, is no fault of the client.
          Instant now = Instant.now();
          if (now.isBefore(caller.identity().notAfter())
              && now.isBefore(callee.identity().notAfter())) {
            failures.add(e);
          }
        }
        LockSupport.parkNanos(200_000);
      }
    }

    private boolean isNearlyOver(SSLSession session) throws IOException {
      Instant limit = Instant.now().plus(NEARLY_OVER);
      return limit.isAfter(end(session.getLocalCertificates()[0]))
          || limit.isAfter(end(session.getPeerCertificates()[0]));
    }

    private Instant end(Certificate certificate) {
      return ((X509Certificate) certificate).getNotAfter().toInstant();
    }

    @Override
    public void close() throws InterruptedException {
      over.set(true);
      thread.join(60_000);
    }
  }

  private List<Traffic> traffic(MeshClient web, MeshClient db) {
    return List.of(
        new Traffic(web, db, true),
        new Traffic(web, db, false),
        new Traffic(db, web, true),
        new Traffic(db, web, false));
  }

  private void awaitTrue(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(90).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(failures).isEmpty();
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(50_000);
    }
  }

  private static TrustUpdate roots(EmbeddedControlPlane plane) throws Exception {
    TrustDomain domain = TrustDomain.of(plane.trustDomain());
    List<X509Certificate> newest = plane.roots();
    return new TrustUpdate(
        domain, List.of(TrustBundle.of(domain, newest.subList(0, Math.min(3, newest.size())))));
  }

  private static WorkloadIdentity leaf(EmbeddedControlPlane plane, String service)
      throws Exception {
    IssuedCertificate issued = plane.caIssue(service);
    return WorkloadIdentity.of(issued.chain(), issued.privateKey());
  }

  @Test
  @Timeout(300)
  void aHundredRootsAndAThousandLeavesFailNoRequestAndMixNoKeyWithAnothersChain() throws Exception {
    int leaves = 0;
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().defaultAllow(true).start()) {
      FakeControlPlane webPlane = new FakeControlPlane();
      FakeControlPlane dbPlane = new FakeControlPlane();
      for (FakeControlPlane each : List.of(webPlane, dbPlane)) {
        each.trustFeed().push(roots(plane));
        each.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
      }
      webPlane.identityFeed().push(leaf(plane, "web"));
      dbPlane.identityFeed().push(leaf(plane, "db"));
      try (MeshClient web = Engines.builder("web", "Conscrypt").controlPlane(webPlane).build();
          MeshClient db = Engines.builder("db", "JSSE").controlPlane(dbPlane).build();
          MeshServerSocket webServer = web.listen(ANY_PORT, ListenOptions.defaults());
          MeshServerSocket dbServer = db.listen(ANY_PORT, ListenOptions.defaults())) {
        serve(webServer);
        serve(dbServer);
        webPlane.endpoints(
            "db", FakeControlPlane.endpoint(plane.authority(), "db", dbServer.getLocalPort()));
        dbPlane.endpoints(
            "web", FakeControlPlane.endpoint(plane.authority(), "web", webServer.getLocalPort()));
        List<Traffic> traffic = traffic(web, db);
        for (int root = 0; root < 100; root++) {
          plane.rotateRoot();
          webPlane.trustFeed().push(roots(plane));
          dbPlane.trustFeed().push(roots(plane));
          long[] before = traffic.stream().mapToLong(t -> t.answers.get()).toArray();
          for (int leaf = 0; leaf < 10; leaf++) {
            boolean ofWeb = leaf % 2 == 0;
            (ofWeb ? webPlane : dbPlane).identityFeed().push(leaf(plane, ofWeb ? "web" : "db"));
            leaves++;
          }
          for (int i = 0; i < before.length; i++) {
            Traffic kind = traffic.get(i);
            long answered = before[i];
            awaitTrue("an answer after the rotation", () -> kind.answers.get() > answered);
          }
        }
        for (Traffic each : traffic) {
          each.close();
        }
        assertThat(web.trustGeneration() + db.trustGeneration()).isEqualTo(2 + 200 + leaves);
      }
    }
    assertThat(leaves).isEqualTo(1000);
    assertThat(failures).isEmpty();
    assertThat(mixed).isEmpty();
    assertThat(leavesSeen.size()).isGreaterThan(100);
  }

  /** Over the agent's API, watches and all. */
  @Test
  @Timeout(300)
  void leavesThatLiveForSecondsFailNoRequest() throws Exception {
    try (EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder()
            .defaultAllow(true)
            .leafTtl(Duration.ofSeconds(8))
            .leafJitter(Duration.ZERO)
            .start()) {
      EmbeddedPlane embedded = new EmbeddedPlane(plane);
      try (MeshClient web =
              embedded.client("web").tlsProvider(Engines.provider("Conscrypt")).build();
          MeshClient db = embedded.client("db").tlsProvider(Engines.provider("JSSE")).build()) {
        web.awaitReady(Duration.ofSeconds(60));
        db.awaitReady(Duration.ofSeconds(60));
        MeshServerSocket webServer = web.listen(ANY_PORT, ListenOptions.defaults());
        MeshServerSocket dbServer = db.listen(ANY_PORT, ListenOptions.defaults());
        serve(webServer);
        serve(dbServer);
        plane.register("web", "web-1", "127.0.0.1", webServer.getLocalPort());
        plane.register("db", "db-1", "127.0.0.1", dbServer.getLocalPort());
        Cast.awaitEndpoint(web, "db");
        Cast.awaitEndpoint(db, "web");
        List<Traffic> traffic = traffic(web, db);
        List<MeshClient> both = List.of(web, db);
        for (int renewal = 0; renewal < 3; renewal++) {
          if (renewal == 1) {
            plane.rotateRoot();
          }
          List<X509Certificate> held = new ArrayList<>();
          both.forEach(client -> held.add(client.identity().chain().get(0)));
          long[] before = traffic.stream().mapToLong(t -> t.answers.get()).toArray();
          for (int i = 0; i < both.size(); i++) {
            MeshClient client = both.get(i);
            X509Certificate old = held.get(i);
            awaitTrue(
                "a new leaf for " + client.service(),
                () -> !client.identity().chain().get(0).equals(old));
          }
          for (int i = 0; i < before.length; i++) {
            Traffic kind = traffic.get(i);
            long answered = before[i];
            awaitTrue("an answer after the renewal", () -> kind.answers.get() > answered);
          }
        }
        for (Traffic each : traffic) {
          each.close();
        }
      }
    }
    assertThat(failures).isEmpty();
    assertThat(mixed).isEmpty();
    assertThat(leavesSeen.size()).isGreaterThanOrEqualTo(6);
  }
}
