package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.testkit.ServiceRow;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** T13, T54: the catalog is not to be trusted; whoever may register may write what he likes. */
@ExtendWith(Quiet.class)
class HostileCatalogTest {
  private static final Destination DB = Destination.parse("db");
  private static final int MOST_ENDPOINTS = 10_000;

  private EmbeddedPlane plane;
  private Cast cast;

  @BeforeEach
  void start() {
    plane = EmbeddedPlane.start(true);
    cast = new Cast(plane);
  }

  @AfterEach
  void stop() throws Exception {
    cast.close();
    plane.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "::ffff:127.0.0.1%1",
        "[::1",
        "127.0.0.1/admin",
        "user@127.0.0.1",
        "127.0.0.1:80",
        "local host",
        "../../etc/passwd",
        "spiffe://db",
        "a\u0000b",
        "\u202e127.0.0.1",
        "-",
        "db..test",
      })
  void t54AnAddressThatIsNoneIsSkippedAndNamedAndHidesNoOther(String address) throws Exception {
    plane.plane().register(ServiceRow.nativeService("db", "hostile", address, 5432));
    MeshClient web = cast.client("web");
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("instances that cannot be used")
        .hasMessageContaining("hostile")
        .message()
        .doesNotContain("\u0000", "\u202e");
    MeshClient db = cast.registered("db");
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    assertThat(Cast.reaches(web, "db")).isTrue();
    assertThat(web.endpoints(DB)).hasSize(1);
  }

  @Test
  void t54ThePortZeroIsSkipped() throws Exception {
    plane.plane().register(ServiceRow.nativeService("db", "hostile", "127.0.0.1", 0));
    MeshClient web = cast.client("web");
    assertThatThrownBy(() -> web.dial("db"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("expected a port from 1 to 65535, found 0");
  }

  @Test
  void t54OfMoreEndpointsThanAnyoneNeedsTheFirstTenThousandAreTaken() throws Exception {
    for (int i = 0; i < MOST_ENDPOINTS + 500; i++) {
      plane.plane().register(ServiceRow.nativeService("db", "db-" + i, "127.0.0.1", 1 + i));
    }
    MeshClient web = cast.client("web");
    try (var watching = web.watch(DB, set -> {})) {
      Cast.awaitEndpoint(web, "db");
      assertThat(web.endpoints(DB)).hasSize(MOST_ENDPOINTS);
      assertThat(web.snapshot().endpoints().get(DB).skipped())
          .singleElement()
          .asString()
          .contains("10000");
    }
  }

  /** Web may call both; the catalog sends it to the other one. */
  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void t13AnAllowedServiceAtTheAddressOfAnotherGetsNotAByte(TlsKind tls) throws Exception {
    MeshTestAuthority authority = MeshTestAuthority.create();
    FakeControlPlane cachePlane = FakeControlPlane.allowingAll(authority, "cache");
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    MeshClient.Builder cacheBuilder = MeshClient.builder("cache").controlPlane(cachePlane);
    MeshClient.Builder webBuilder = MeshClient.builder("web").controlPlane(webPlane);
    tls.provider()
        .ifPresent(provider -> {
          cacheBuilder.tlsProvider(provider);
          webBuilder.tlsProvider(provider);
        });
    try (MeshClient cache = cacheBuilder.build();
        MeshClient web = webBuilder.build();
        Echo echo =
            new Echo(cache.listen(Cast.loopback(), io.meshnative.ListenOptions.defaults()))) {
      webPlane.endpoints("cache", FakeControlPlane.endpoint(authority, "cache", echo.port()));
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      assertThat(Cast.reaches(web, "cache")).isTrue();
      int bytes = echo.bytes();
      assertThatThrownBy(() -> web.dial("db"))
          .isInstanceOfSatisfying(
              PeerIdentityException.class,
              e -> assertThat(e.actual().orElseThrow()).endsWith("/svc/cache"));
      assertThat(echo.bytes()).isEqualTo(bytes);
      assertThat(Cast.reaches(web, "cache")).as("what is allowed goes on").isTrue();
    }
  }
}
