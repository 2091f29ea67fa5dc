package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.Registration;
import io.meshnative.intention.DefaultDecision;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** Who a client is, what it knows, and how others find it. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, CONSCRYPT",
  "CONSUL, true, CONSCRYPT",
  "CONSUL, false, CONSCRYPT"
})
class IdentityContractTest extends Contract {
  @Test
  void aClientHasTheIdThatTheControlPlaneIssued() throws Exception {
    MeshClient web = cast.client("web");
    assertThat(web.identity().id())
        .hasToString("spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/web");
    assertThat(web.identity().chain()).isNotEmpty();
    assertThat(web.identity().chain().get(0).getSubjectAlternativeNames())
        .containsExactly(List.of(6, web.identity().id().toString()));
    assertThat(web.identity().notAfter())
        .isEqualTo(web.identity().chain().get(0).getNotAfter().toInstant());
    assertThat(web.trustGeneration()).isPositive();
    assertThat(web.state()).isEqualTo(MeshState.READY);
    assertThat(web.whenReady().toCompletableFuture().get(60, TimeUnit.SECONDS)).isSameAs(web);
  }

  @Test
  void anIntentionDoesNotChangeTheTrustGeneration() throws Exception {
    MeshClient web = cast.client("web");
    long before = web.trustGeneration();
    plane.deny("api", "web");
    awaitExplainedByOneIntention(web);
    assertThat(web.trustGeneration()).isEqualTo(before);
    assertThat(web.snapshot().policyVersion()).isGreaterThan(1);
  }

  private static void awaitExplainedByOneIntention(MeshClient client) {
    Cast.await("one intention", () -> client.snapshot().inboundIntentions() == 1);
  }

  @Test
  void aClientFindsOutTheDefaultDecision() throws Exception {
    MeshClient web = cast.client("web");
    assertThat(web.snapshot().defaultDecision())
        .isEqualTo(defaultAllow ? DefaultDecision.ALLOW : DefaultDecision.DENY);
    assertThat(web.explain("anybody").isAllowed()).isEqualTo(defaultAllow);
    assertThat(web.explain("anybody").intention()).isEmpty();
    assertThat(
            plane.authorize(
                "web", "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/anybody"))
        .isEqualTo(defaultAllow);
  }

  @Test
  void theFirstListenersPortIsInTheCatalogUntilTheClientIsClosed() throws Exception {
    MeshClient db =
        cast.ready(
            cast.builder("db")
                .register(
                    Cast.ofListener()
                        .withTags("blue")
                        .withMeta(Map.of("version", "7"))
                        .withWeight(5)));
    assertThat(plane.api().require("GET", "/v1/health/connect/db", "")).doesNotContain("\"db\"");
    int port = cast.listen(db).getLocalPort();
    Cast.await("db is in the catalog", () -> rows("db").contains("\"db-" + port + "\""));
    assertThat(AgentApi.field(rows("db"), "version")).isEqualTo("7");
    assertThat(rows("db")).contains("\"blue\"");

    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    assertThat(web.endpoints(Destination.parse("db")))
        .singleElement()
        .satisfies(endpoint -> {
          assertThat(endpoint.host()).isEqualTo("127.0.0.1");
          assertThat(endpoint.port()).isEqualTo(port);
          assertThat(endpoint.kind()).isEqualTo(Endpoint.Kind.NATIVE);
          assertThat(endpoint.weight()).isEqualTo(5);
          assertThat(endpoint.identity().spiffeId()).isEqualTo(db.identity().id());
        });
    List<EndpointSet> seen = new CopyOnWriteArrayList<>();
    cast.keep(web.watch(Destination.parse("db"), seen::add)::close);
    Cast.await("the set known is told at once", () -> !seen.isEmpty());

    db.close();
    Cast.await("the catalog follows", () -> !rows("db").contains("db-" + port));
    Cast.await("web sees it go", () -> web.endpoints(Destination.parse("db")).isEmpty());
    Cast.await("the watcher sees it go", () -> seen.get(seen.size() - 1).endpoints().isEmpty());
  }

  @Test
  void aRegistrationWithItsOwnPortAndIdNeedsNoListener() throws Exception {
    MeshClient db =
        cast.ready(
            cast.builder("db")
                .register(Registration.of(5432).withId("db-here").withAddress("127.0.0.1")));
    Cast.await("db is in the catalog", () -> rows("db").contains("db-here"));
    assertThat(AgentApi.field(rows("db").replaceAll("(?s).*\"Service\":\\s*\\{", ""), "Port"))
        .isEqualTo("5432");
    db.close();
    Cast.await("the catalog follows", () -> !rows("db").contains("db-here"));
  }

  private String rows(String service) throws Exception {
    return plane.api().require("GET", "/v1/health/connect/" + service, "");
  }
}
