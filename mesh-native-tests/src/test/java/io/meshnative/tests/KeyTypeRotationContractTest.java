package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.testkit.KeyType;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The root changes more than once, and to keys of other types, under traffic: leaves follow each
 * time, on agents too that renew a watched leaf after the first rotation only.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED_1_8, true, CONSCRYPT",
  "CONSUL, true, CONSCRYPT"
})
class KeyTypeRotationContractTest extends Contract {
  private static final List<KeyType> KEYS = List.of(KeyType.EC_P256, KeyType.RSA_2048);
  private static final Duration PAUSE = Duration.ofMillis(1);

  private static X509Certificate leaf(MeshClient client) {
    return client.identity().chain().get(0);
  }

  /** Whether the leaf bears the signature of a key of this type. */
  private static boolean isSignedBy(X509Certificate leaf, KeyType type) {
    return leaf.getSigAlgName().endsWith(type == KeyType.RSA_2048 ? "withRSA" : "withECDSA");
  }

  private static boolean hasRoots(List<MeshEvent> events, int count) {
    return events.stream()
        .anyMatch(
            event -> event instanceof MeshEvent.TrustChanged changed && changed.roots() == count);
  }

  @Test
  void rotationsToOtherKeyTypesReachEveryLeafAndFailNoRequest() throws Exception {
    List<MeshEvent> webEvents = new CopyOnWriteArrayList<>();
    List<MeshEvent> dbEvents = new CopyOnWriteArrayList<>();
    MeshClient db =
        cast.ready(
            cast.on(plane.impatientClient("db"))
                .register(Cast.ofListener())
                .listener(dbEvents::add));
    MeshClient web = cast.ready(cast.on(plane.impatientClient("web")).listener(webEvents::add));
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    try (Traffic traffic = new Traffic(web, PAUSE)) {
      traffic.awaitMore();
      int rotations = 0;
      for (KeyType type : KEYS) {
        X509Certificate dbLeaf = leaf(db);
        X509Certificate webLeaf = leaf(web);
        plane.rotateRoot(type);
        int roots = ++rotations + 1;
        Cast.await(
            "both hold " + roots + " roots",
            () -> hasRoots(webEvents, roots) && hasRoots(dbEvents, roots));
        traffic.awaitMore(); // with leaves of the former root
        Cast.await(
            "both have leaves of the " + type + " root",
            () -> !leaf(db).equals(dbLeaf) && !leaf(web).equals(webLeaf));
        assertThat(isSignedBy(leaf(db), type)).as("db: %s", leaf(db).getSigAlgName()).isTrue();
        assertThat(isSignedBy(leaf(web), type)).as("web: %s", leaf(web).getSigAlgName()).isTrue();
        traffic.awaitMore();
      }
      traffic.close();
      traffic.assertNoneFailed();
    }
    assertWell(web, webEvents);
    assertWell(db, dbEvents);
  }

  private void assertWell(MeshClient client, List<MeshEvent> events) throws Exception {
    assertThat(client.state()).isEqualTo(MeshState.READY);
    assertThat(client.snapshot().lastDenials()).isEmpty();
    assertThat(events)
        .doesNotHaveAnyElementsOfTypes(
            MeshEvent.ControlPlaneFailed.class, MeshEvent.Withdrawn.class, MeshEvent.Denied.class);
    String version = AgentApi.field(plane.api().require("GET", "/v1/agent/self", ""), "Version");
    if (version.startsWith("1.8.")) {
      assertThat(events)
          .filteredOn(MeshEvent.Warning.class::isInstance)
          .as("the agent's defect is told")
          .isNotEmpty()
          .allSatisfy(event ->
              assertThat(((MeshEvent.Warning) event).message())
                  .contains("Consul " + version)
                  .contains("made-up token"));
    }
  }
}
