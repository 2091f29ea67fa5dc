package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.ServiceRow;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Large meshes, read over HTTP. */
@ExtendWith(Quiet.class)
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ScaleTest {
  private static final int INTENTIONS = 100_000;
  private static final int ENDPOINTS = 10_000;
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final Destination API = Destination.parse("api");

  private final EmbeddedPlane embedded = EmbeddedPlane.start(false);
  private final EmbeddedControlPlane plane = embedded.plane();
  private final Cast cast = new Cast(embedded);

  @AfterEach
  void stop() throws Exception {
    cast.close();
    plane.close();
  }

  /** Of three sources the first is allowed, the second denied, the third not named. */
  private void write(int first) throws IOException {
    StringBuilder entry =
        new StringBuilder("{\"Kind\":\"service-intentions\",\"Name\":\"db\",\"Sources\":[");
    for (int i = 0; i < INTENTIONS; i++) {
      entry
          .append(i == 0 ? "" : ",")
          .append("{\"Name\":\"")
          .append(source(i / 2 * 3 + i % 2))
          .append("\",\"Action\":\"")
          .append(i % 2 == first ? "allow" : "deny")
          .append("\"}");
    }
    embedded.api().require("PUT", "/v1/config", entry.append("]}").toString());
  }

  private static String source(int i) {
    return "s-" + i;
  }

  @Test
  void aHundredThousandIntentionsAreReadAndEachDecides() throws Exception {
    write(0);
    MeshClient db = cast.ready(cast.builder("db").register(Cast.ofListener().withoutChecks()));
    cast.echo(db);
    assertThat(db.snapshot().inboundIntentions()).isEqualTo(INTENTIONS);
    assertDecides(db, 0);
    MeshClient allowed = cast.lawless(source(3 * 30_000));
    MeshClient denied = cast.lawless(source(3 * 30_000 + 1));
    MeshClient unnamed = cast.lawless(source(3 * 30_000 + 2));
    for (MeshClient each : Set.of(allowed, denied, unnamed)) {
      Cast.awaitEndpoint(each, "db");
      assertThat(Cast.reaches(each, "db")).isEqualTo(each == allowed);
    }

    write(1); // all of them the other way round
    Cast.await("db has read them", PATIENCE, () -> !db.explain(source(0)).isAllowed());
    assertDecides(db, 1);
    assertThat(Cast.reaches(allowed, "db")).isFalse();
    assertThat(Cast.reaches(denied, "db")).isTrue();
  }

  private static void assertDecides(MeshClient db, int first) {
    for (int i = 0; i < INTENTIONS / 2 * 3; i++) {
      assertThat(db.explain(source(i)).isAllowed()).as(source(i)).isEqualTo(i % 3 == first);
    }
  }

  /** Each of them is a name for the one instance that is there. */
  private void register(int number, int port) {
    EmbeddedControlPlane unused =
        plane.register(ServiceRow.nativeService("api", "api-" + number, "127.0.0.1", port));
  }

  private static Set<String> instances(MeshClient client) {
    return client.endpoints(API).stream().map(Endpoint::instance).collect(Collectors.toSet());
  }

  @Test
  void tenThousandEndpointsAreReadAndDialledWhileTheyComeAndGo() throws Exception {
    plane.allow("web", "api");
    MeshClient api = cast.client("api");
    Echo echo = cast.echo(api);
    Set<String> expected = new TreeSet<>();
    for (int i = 0; i < ENDPOINTS; i++) {
      register(i, echo.port());
      expected.add("api-" + i);
    }
    MeshClient web = cast.client("web");
    Cast.await("web knows them all", PATIENCE, () -> instances(web).equals(expected));
    Random random = new Random(10_000);
    List<String> there = new ArrayList<>(expected);
    for (int round = 0; round < 200; round++) {
      int number = ENDPOINTS + round;
      String gone = there.set(random.nextInt(ENDPOINTS), "api-" + number);
      EmbeddedControlPlane unused = plane.deregister(gone);
      register(number, echo.port());
      assertThat(Cast.reaches(web, "api")).isTrue();
    }
    expected.clear();
    expected.addAll(there);
    Cast.await("web knows who is there", PATIENCE, () -> instances(web).equals(expected));
    assertThat(echo.accepted()).isEqualTo(200);
  }
}
