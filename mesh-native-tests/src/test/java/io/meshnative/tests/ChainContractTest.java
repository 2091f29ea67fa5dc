package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Where a destination's config entries lead: who is dialled, who must answer there, and whose
 * intentions count.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, false, CONSCRYPT", "EMBEDDED, true, JSSE", "CONSUL, false, CONSCRYPT"})
class ChainContractTest extends Contract {
  private static final Destination ORDERS = Destination.parse("orders");

  private final List<String> written = new ArrayList<>();
  private MeshClient web;

  @BeforeEach
  void open() throws Exception {
    web = cast.client("web");
  }

  @AfterEach
  void takeBack() throws Exception {
    for (int i = written.size() - 1; i >= 0; i--) {
      plane.api().require("DELETE", "/v1/config/" + written.get(i), "");
    }
    written.clear();
  }

  private void write(String kind, String name, String fields) throws IOException {
    plane
        .api()
        .require(
            "PUT",
            "/v1/config",
            "{\"Kind\":\"" + kind + "\",\"Name\":\"" + name + "\"," + fields + "}");
    written.add(kind + "/" + name);
  }

  /** A service in the catalog that echoes; answers its port. */
  private int serving(String service, Map<String, String> meta) throws Exception {
    return serving(service, service + meta.size(), meta).port();
  }

  private Echo serving(String service, String id, Map<String, String> meta) throws Exception {
    MeshClient client =
        cast.ready(cast.builder(service).register(Cast.ofListener().withId(id).withMeta(meta)));
    return cast.echo(client);
  }

  /** The port that a new connection to orders leads to. */
  private int dialled() throws IOException {
    try (SSLSocket socket = web.dial(ORDERS.service())) {
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      Echo.ping(socket);
      return socket.getPort();
    }
  }

  private void awaitPorts(Integer... ports) {
    Cast.await(
        "orders is served at " + List.of(ports) + " alone",
        () -> {
          Set<Integer> now = new HashSet<>();
          web.endpoints(ORDERS).stream().map(Endpoint::port).forEach(now::add);
          return now.equals(Set.of(ports));
        });
  }

  @Test
  void aRedirectLeadsToTheServiceThatMustAnswerAndWhoseIntentionsCount() throws Exception {
    int old = serving("orders", Map.of());
    grant("web", "orders");
    awaitPorts(old);
    assertThat(dialled()).isEqualTo(old);

    write("service-resolver", "orders", "\"Redirect\":{\"Service\":\"orders-v2\"}");
    int next = serving("orders-v2", Map.of());
    grant("web", "orders-v2");
    awaitPorts(next);
    awaitExplained(web, Destination.parse("orders-v2"), true);
    Cast.awaitReaches(web, "orders", true);

    withdraw("web", "orders");
    awaitExplained(web, ORDERS, false);
    assertThat(dialled()).as("nobody asks the intentions of orders").isEqualTo(next);

    List<Destination> retired = new CopyOnWriteArrayList<>();
    try (SSLSocket open = web.dial("orders");
        Subscription told = web.onRetire(ORDERS, (to, why) -> retired.add(to))) {
      retired.clear(); // orders itself is denied, which a listener hears too
      assertThat(told).isNotNull();
      Echo.ping(open);
      withdraw("web", "orders-v2");
      Cast.await("the connection is cut", open::isClosed);
      assertThat(retired).containsOnly(ORDERS);
    }
    assertThatThrownBy(() -> web.dial("orders").close())
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("orders-v2");
  }

  @Test
  void anotherServiceAtTheAddressOfTheTargetIsRefused() throws Exception {
    write("service-resolver", "orders", "\"Redirect\":{\"Service\":\"orders-v2\"}");
    grant("web", "orders");
    grant("web", "orders-v2");
    MeshClient orders = cast.client("orders");
    int port = cast.echo(orders).port();
    plane.register("orders-v2", "orders-v2-elsewhere", "127.0.0.1", port);
    try {
      awaitPorts(port);
      Cast.await("the intention is known", () -> web.explain(ORDERS).isAllowed());
      assertThatThrownBy(() -> web.dial("orders").close())
          .isInstanceOf(PeerIdentityException.class)
          .hasMessageContaining("/svc/orders-v2")
          .hasMessageContaining("/svc/orders;");
    } finally {
      plane.deregister("orders-v2-elsewhere");
    }
  }

  @Test
  void aSubsetHoldsTheInstancesThatItsFilterTakes() throws Exception {
    write(
        "service-resolver",
        "orders",
        "\"DefaultSubset\":\"v2\",\"Subsets\":{\"v2\":{\"Filter\":\"Service.Meta.version == v2\"}}");
    grant("web", "orders");
    serving("orders", "orders-1", Map.of("version", "v1"));
    int second = serving("orders", "orders-2", Map.of("version", "v2")).port();
    awaitPorts(second);
    Cast.awaitReaches(web, "orders", true);
    for (int i = 0; i < 5; i++) {
      assertThat(dialled()).isEqualTo(second);
    }
  }

  @Test
  void whereNobodyServesTheNextTargetDoesUntilSomebodyIsBack() throws Exception {
    write("service-resolver", "orders", "\"Failover\":{\"*\":{\"Service\":\"orders-backup\"}}");
    grant("web", "orders");
    grant("web", "orders-backup");
    int backup = serving("orders-backup", Map.of());
    awaitPorts(backup);
    Cast.awaitReaches(web, "orders", true);
    assertThat(dialled()).isEqualTo(backup);

    MeshClient orders =
        cast.ready(cast.builder("orders").register(Cast.ofListener().withId("orders-0")));
    int first = cast.echo(orders).port();
    awaitPorts(first);
    assertThat(dialled()).isEqualTo(first);

    orders.close();
    awaitPorts(backup);
    assertThat(dialled()).isEqualTo(backup);
  }

  @Test
  void aSplitterSharesTheConnections() throws Exception {
    write("service-defaults", "orders", "\"Protocol\":\"http\"");
    write("service-defaults", "orders-v2", "\"Protocol\":\"http\"");
    write(
        "service-splitter",
        "orders",
        "\"Splits\":[{\"Weight\":50},{\"Weight\":50,\"Service\":\"orders-v2\"}]");
    grant("web", "orders");
    grant("web", "orders-v2");
    int one = serving("orders", Map.of());
    int other = serving("orders-v2", Map.of());
    awaitPorts(one, other);
    awaitExplained(web, ORDERS, true);
    awaitExplained(web, Destination.parse("orders-v2"), true);
    Set<Integer> seen = new HashSet<>();
    Cast.await(
        "both are dialled",
        () -> {
          seen.add(dialled());
          return seen.equals(Set.of(one, other));
        });
  }
}
