package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.micrometer.MeshMeterBinder;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** What the meters say while services call each other. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, true, CONSCRYPT", "CONSUL, true, CONSCRYPT"})
class MeshMeterBinderTest extends Contract {
  private MeterRegistry registry = new SimpleMeterRegistry();

  /** The instance is shared by its tests. */
  @BeforeEach
  void anew() {
    registry = new SimpleMeterRegistry();
  }

  private double value(String name, String... tags) {
    Meter meter = registry.get(name).tags(tags).meter();
    return meter.measure().iterator().next().getValue();
  }

  private void awaitValue(double expected, String name, String... tags) {
    Cast.await(name + " is " + expected, () -> value(name, tags) == expected);
  }

  private double denied(String service, String direction) {
    return value(
        "mesh.authorization",
        "service",
        service,
        "direction",
        direction,
        "layer",
        "l4",
        "outcome",
        "denied");
  }

  @Test
  void theyFollowWhatHappens() throws Exception {
    MeshClient db = cast.registered("db");
    Echo echo = cast.echo(db);
    MeshClient web = cast.client("web");
    try (MeshMeterBinder ofWeb = new MeshMeterBinder(web);
        MeshMeterBinder ofDb = new MeshMeterBinder(db)) {
      ofWeb.bindTo(registry);
      ofDb.bindTo(registry);
      Cast.awaitReaches(web, "db", true);

      awaitValue(1, "mesh.state", "service", "web", "state", "ready");
      assertThat(value("mesh.state", "service", "web", "state", "expired")).isZero();
      assertThat(
              registry
                  .get("mesh.identity.expiry")
                  .tags("service", "web")
                  .timeGauge()
                  .value(TimeUnit.SECONDS))
          .isPositive();
      awaitValue(1, "mesh.endpoints", "service", "web", "destination", "db");
      try (SSLSocket open = web.dial("db")) {
        Echo.ping(open);
        awaitValue(
            1,
            "mesh.connections.active",
            "service",
            "web",
            "direction",
            "outbound",
            "destination",
            "db");
        awaitValue(1, "mesh.connections.active", "service", "db", "direction", "inbound");
        Cast.await(
            "handshakes are counted",
            () -> value("mesh.handshakes", "service", "db", "kind", "full") > 0);

        plane.deny("web", "db");

        Cast.await(
            "what was withdrawn is counted",
            // Whichever end hears of it first cuts: to the other one the connection has just ended.
            () ->
                value("mesh.connections.withdrawn", "service", "db", "direction", "inbound")
                        + value(
                            "mesh.connections.withdrawn", "service", "web", "direction", "outbound")
                    > 0);
      }
      Cast.await(
          "refusals are counted",
          () -> {
            Cast.reaches(web, "db");
            return denied("db", "inbound") + denied("web", "outbound") > 0;
          });
      assertThat(value("mesh.policy.changes", "service", "db")).isPositive();
    }
    echo.close();
  }

  @Test
  void noTagHoldsAnIdOfAPeer() throws Exception {
    MeshClient db = cast.registered("db");
    Echo echo = cast.echo(db);
    MeshClient web = cast.client("web");
    try (MeshMeterBinder ofDb = new MeshMeterBinder(db)) {
      ofDb.bindTo(registry);
      Cast.awaitReaches(web, "db", true);
      assertThat(registry.getMeters().stream().flatMap(meter -> meter.getId().getTags().stream()))
          .extracting(Tag::getValue)
          .contains("db", "inbound")
          .noneMatch(value -> value.contains("spiffe") || value.contains("web"));
    }
    echo.close();
  }
}
