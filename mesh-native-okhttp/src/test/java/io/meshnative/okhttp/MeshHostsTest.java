package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.discovery.Destination;
import java.net.UnknownHostException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MeshHostsTest {
  private static final MeshHosts HOSTS = MeshHosts.defaults();

  @ParameterizedTest
  @CsvSource({
    "db.mesh, db",
    "DB.Mesh, db",
    "db.mesh., db",
    "my.db.mesh, my.db",
    "db.dc2.dc.mesh, db dc=dc2",
    "db.team.ns.mesh, db ns=team",
    "db.team.ns.part.ap.dc2.dc.mesh, db ns=team ap=part dc=dc2",
    "db.service.consul, db",
    "db.service.dc2.consul, db dc=dc2",
    "db.service.dc2.dc.consul, db dc=dc2",
    "db.virtual.consul, db",
    "db.virtual.team.ns.consul, db ns=team",
    "service.mesh, service",
    "dc.mesh, dc",
    "service.service.consul, service"
  })
  void aHostOfTheMeshNamesADestination(String host, String destination) throws Exception {
    assertThat(HOSTS.destination(host)).map(Destination::toString).contains(destination);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "example.com",
        "mesh.example.com",
        "dbmesh",
        "consul",
        "db.consul",
        "db.node.consul",
        "10.0.0.1",
        "localhost",
        "xmesh",
        "db.query.consul"
      })
  void anyOtherHostIsLeftAlone(String host) throws Exception {
    assertThat(HOSTS.destination(host)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "mesh",
        ".mesh",
        "-db.mesh",
        "db..mesh",
        "db.a.dc.b.dc.mesh",
        "tag.db.service.consul",
        "db.service.a.b.c.consul",
        ".service.consul",
        "db.service.a.b.consul"
      })
  void whatLooksLikeTheMeshAndIsNoNameIsRefusedAndNotLookedUp(String host) {
    assertThatThrownBy(() -> HOSTS.destination(host))
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("not looked up anywhere else");
  }

  @Test
  void theSuffixIsTheUsers() throws Exception {
    MeshHosts hosts = HOSTS.withSuffix("svc.internal").withoutConsulNames();
    assertThat(hosts.destination("db.svc.internal")).contains(Destination.parse("db"));
    assertThat(hosts.destination("db.mesh")).isEqualTo(Optional.empty());
    assertThat(hosts.destination("db.service.consul")).isEmpty();
    assertThat(hosts).hasToString("*.svc.internal");
    assertThat(HOSTS).hasToString("*.mesh, *.service.consul, *.virtual.consul");
    for (String wrong : new String[] {"", ".", "a b", "a..b", "mesh/", "ü"}) {
      assertThatIllegalArgumentException().isThrownBy(() -> HOSTS.withSuffix(wrong));
    }
  }
}
