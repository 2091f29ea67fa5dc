package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.MeshTestAuthority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ten thousand trust epochs, each used by a handshake or at least by a context, under connections
 * that outlive them all: neither heap nor native memory grows with their number.
 */
@ExtendWith(Quiet.class)
@Tag("alone")
class TrustEpochsTest {
  private static final int EPOCHS = 10_000;
  private static final int WARM = 2_000;

  /** As a proof of a chain is remembered for a while, fresh chains come with every round. */
  private static final int IDENTITIES = 50;

  /** A new root, and new identities under it, this often. */
  private static final int EPOCHS_A_ROOT = 500;

  private static final int DIALS_EVERY = 20;

  private static final long HEAP_SLACK_MEGABYTES = 8;

  /** Heap, code and allocators together; 8,000 contexts that did a handshake have 640 MB. */
  private static final long RESIDENT_SLACK_MEGABYTES = 128;

  /** Where in its turn a cache or a finalizer stands is chance; 8,000 epochs are not. */
  private static final long INSTANCE_SLACK = 64;

  private static final Predicate<String> OURS =
      name ->
          List.of(
                  "io.meshnative.internal.tls.TrustEpoch",
                  "io.meshnative.internal.tls.MeshEngine",
                  "io.meshnative.internal.tls.EpochKeyManager",
                  "io.meshnative.internal.tls.PeerProof",
                  "sun.security.ssl.SSLContextImpl$TLSContext",
                  "io.meshnative.internal.transport.LiveConnection")
              .contains(name);

  /** What is held after a number of epochs, with as many connections open. */
  private record Held(Map<String, Long> ours, Map<String, Long> natives, long heap, long resident) {
    static Held now() {
      return new Held(
          Footprint.instances(OURS),
          Footprint.instances(Footprint::ownsNativeMemory),
          Footprint.heapMegabytes(),
          Footprint.residentMegabytes());
    }
  }

  @ParameterizedTest
  @CsvSource({"Conscrypt", "JSSE"})
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void theirNumberCostsNothing(String provider) throws Exception {
    Footprint.requireProc();
    MeshTestAuthority authority = MeshTestAuthority.create();
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(Cast.loopback(), ListenOptions.defaults()))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      try (SSLSocket one = web.dial("db");
          SSLSocket two = web.dial("db")) {
        MeshTestAuthority signing = authority;
        MeshTestAuthority former = authority;
        List<WorkloadIdentity> webs = new ArrayList<>();
        Held warm = null;
        for (int epoch = 1; epoch <= EPOCHS; epoch++) {
          if (epoch % EPOCHS_A_ROOT == 1) {
            former = signing;
            signing = signing.successor(KeyType.EC_P256);
            // The first root stays for the connections that were made under it.
            webPlane.roots(authority, former, signing);
            dbPlane.roots(authority, former, signing);
            webs = identities(signing);
            dbPlane.issue(signing, "db");
          }
          webPlane.identityFeed().push(webs.get(epoch % IDENTITIES));
          web.clientContext(io.meshnative.discovery.Destination.parse("db")).createSSLEngine();
          if (epoch % DIALS_EVERY == 0) {
            try (SSLSocket fresh = web.dial("db")) {
              Echo.ping(fresh);
            }
            Echo.ping(one);
            Echo.ping(two);
          }
          if (epoch == WARM) {
            awaitOpen(db, 2);
            warm = Held.now();
          }
        }
        assertThat(web.trustGeneration()).isGreaterThanOrEqualTo(EPOCHS);
        Echo.ping(one);
        Echo.ping(two);
        awaitOpen(db, 2);
        Held held = warm;
        Awaitility.await("as much is held as after " + WARM + " epochs")
            .atMost(Duration.ofSeconds(60))
            .untilAsserted(() -> assertNoMore(Held.now(), held));
      }
    }
  }

  private static List<WorkloadIdentity> identities(MeshTestAuthority authority) {
    List<WorkloadIdentity> made = new ArrayList<>();
    for (int i = 0; i < IDENTITIES; i++) {
      made.add(FakeControlPlane.identity(authority, "web"));
    }
    return made;
  }

  private static void awaitOpen(MeshClient client, int connections) {
    Cast.await(
        connections + " connections are open",
        () -> client.snapshot().connections().size() == connections);
  }

  private static void assertNoMore(Held now, Held before) {
    assertNoMore(now.ours, before.ours);
    assertNoMore(now.natives, before.natives);
    assertThat(now.heap).as("MiB of heap").isLessThan(before.heap + HEAP_SLACK_MEGABYTES);
    assertThat(now.resident)
        .as("MiB resident")
        .isLessThan(before.resident + RESIDENT_SLACK_MEGABYTES);
  }

  private static void assertNoMore(Map<String, Long> now, Map<String, Long> before) {
    assertThat(now)
        .allSatisfy((kind, count) ->
            assertThat(count)
                .as(kind)
                .isLessThanOrEqualTo(before.getOrDefault(kind, 0L) + INSTANCE_SLACK));
  }
}
