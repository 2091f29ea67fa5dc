package io.meshnative.spring.boot.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.okhttp.MeshHosts;
import java.net.URI;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoutingTest {
  private static final Routing ROUTING = new Routing(MeshHosts.defaults());

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://db.mesh/",
        "http://db.mesh/",
        "HTTPS://DB.MESH/",
        "https://db.mesh./",
        "https://my_db.mesh/",
        "https://my_db.mesh:8443/",
        "https://db%2Emesh/",
        "https://d%62.mesh/",
        "https://db\u3002mesh/",
        "https://db\uFF0Emesh/",
        "https://\uFF44\uFF42.mesh/",
        "https://db.me\u00ADsh/",
        "https://\u24B9b.mesh/",
        "https://user:secret@db.mesh/",
        "https://example.com:80@db.mesh/",
        "https://a@example.com@db.mesh/",
        "http:db.mesh/",
        "https://db.service.consul/",
        "https://db.virtual.consul./"
      })
  void whatThePoliteAndTheRudeCallAMeshHostGoesIntoTheMesh(String url) throws Exception {
    assertThat(ROUTING.intoMesh(URI.create(url))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://example.com/",
        "https://example.com./db.mesh",
        "https://example.com?db.mesh",
        "https://db.mesh@example.com/",
        "https://db.mesh:443@example.com/",
        "https://db.mesh.example.com/",
        "https://my_host.example.com/",
        "https://xdbmesh/",
        "https://mesh.com/",
        "https://b\u00FCcher.example/",
        "https://127.0.0.1:8443/",
        "https://[::1]:8443/",
        "https://db.mesh%2Eexample.com/",
        "ws://example.com/",
        "/db.mesh",
        "mailto:who@db.mesh"
      })
  void allOthersAreLeftAlone(String url) throws Exception {
    assertThat(ROUTING.intoMesh(URI.create(url))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://.mesh/",
        "https://db..mesh/",
        "https://db.mesh../",
        "https://db.mesh:99999/",
        "https://db.mesh:port/",
        "https://db%252Emesh/",
        "https://db%25252Emesh/",
        "https://db.mesh%2F.example.com/",
        "https://example.com%40db.mesh/",
        "https://example.com%2F@db.mesh%2F/",
        "https://a@db.mesh@example.com/",
        "https://db.mesh%00/",
        "https://db%20.mesh/",
        "ws://db.mesh/",
        "wss://db\u3002mesh/",
        "ftp://my_db.mesh/",
        "//db.mesh/",
        "https://primary.db.service.consul/"
      })
  void whatCouldBeReadAsAMeshHostAndIsNoneGoesNowhere(String url) {
    assertThatThrownBy(() -> ROUTING.intoMesh(URI.create(url)))
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("not looked up anywhere");
  }

  @Test
  void theRefusalShowsNoPassword() {
    assertThatThrownBy(() -> ROUTING.intoMesh(URI.create("ftp://carol:secret@db.mesh/")))
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("db.mesh")
        .message()
        .doesNotContain("secret", "carol");
  }
}
