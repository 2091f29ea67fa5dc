package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.NoEndpointException;
import io.meshnative.discovery.Destination;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A catalog that is empty after an outage may only seem so: servers that start anew drop what is on
 * agents that have not found them yet, and each agent enters it again seconds later.
 */
@ExtendWith(Quiet.class)
class VanishedEndpointsTest {
  private static final Destination DB = Destination.parse("db");

  @Test
  void anEmptyListAfterAnOutageIsBelievedOnlyWhenItStaysEmpty() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      MeshClient db = cast.client("db");
      MeshClient web = cast.client("web");
      Echo echo = cast.echo(db);
      plane.register("db", "db-1", "127.0.0.1", echo.port());
      Cast.awaitEndpoint(web, "db");

      long before = outage(plane);
      Cast.await("web reads the empty list, twice", () -> reads(plane) >= before + 2);
      assertThat(web.endpoints(DB)).hasSize(1);
      assertThat(Cast.reaches(web, "db")).isTrue();
      plane.register("db", "db-2", "127.0.0.1", echo.port());
      Cast.await("the new row is taken at once", () -> has(web, "db-2"));

      plane.deregister("db-2");
      Cast.await("in peace an empty list is believed", () -> web.endpoints(DB).isEmpty());
      plane.register("db", "db-3", "127.0.0.1", echo.port());
      Cast.await("the new row is taken", () -> has(web, "db-3"));

      outage(plane, "db-3");
      Cast.await("what stays away is gone", () -> web.endpoints(DB).isEmpty());
      assertThatThrownBy(() -> web.dial("db")).isInstanceOf(NoEndpointException.class);
      Cast.await("web is ready", () -> web.state() == MeshState.READY);
    }
  }

  private static boolean has(MeshClient web, String id) {
    return web.endpoints(DB).stream().anyMatch(endpoint -> endpoint.instance().equals(id));
  }

  private static long reads(EmbeddedPlane plane) {
    return plane.plane().requests("/v1/health/connect/db");
  }

  private static long outage(EmbeddedPlane plane) {
    return outage(plane, "db-1");
  }

  /** The agent is away for a moment, and knows no instance when it is back. */
  private static long outage(EmbeddedPlane plane, String id) {
    plane.plane().faults().down();
    plane.deregister(id);
    long before = reads(plane);
    plane.plane().faults().up();
    return before;
  }
}
