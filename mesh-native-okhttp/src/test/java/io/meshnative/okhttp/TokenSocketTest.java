package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Token addresses, and what a connection to one of them carries without TLS: nothing. */
class TokenSocketTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final Destination DB = Destination.parse("db");

  @Test
  void aTokenStandsForItsEndpointAndCarriesNoPlaintext() throws Exception {
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.start();
        ServerSocket db = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        MeshClient web =
            MeshClient.builder("web")
                .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                .build()) {
      plane.register("db", "db-1", "127.0.0.1", db.getLocalPort());
      Tokens tokens = new Tokens(web);

      List<InetAddress> offered = tokens.offer("db.mesh", DB, GUARD);

      assertThat(offered).hasSize(1).isEqualTo(tokens.offer("db.mesh", DB, GUARD));
      InetAddress token = offered.get(0);
      assertThat(token.getHostName()).isEqualTo("db.mesh");
      assertThat(token.getHostAddress()).startsWith("100:0:0:0:");
      assertThat(tokens.find(token).endpoint().port()).isEqualTo(db.getLocalPort());
      assertThat(tokens.find(InetAddress.getByName("100::ffff:1"))).isNull();
      assertThat(tokens.find(InetAddress.getByName("200::1"))).isNull();
      assertThat(tokens.find(InetAddress.getByName("127.0.0.1"))).isNull();

      try (TokenSocket socket = new TokenSocket(tokens)) {
        assertThatThrownBy(socket::target).isInstanceOf(SocketException.class);
        socket.connect(new InetSocketAddress(token, 443), (int) GUARD.toMillis());
        assertThat(socket.getPort()).isEqualTo(db.getLocalPort());
        assertThat(socket.target()).isEqualTo(DB);
        assertThat(web.endpointPool(DB, GUARD).outstanding(tokens.find(token).endpoint()))
            .isEqualTo(1);
        assertThatThrownBy(() -> socket.getOutputStream().write(new byte[10]))
            .isInstanceOf(SocketException.class)
            .hasMessageContaining("found plaintext");
      }
      assertThat(web.endpointPool(DB, GUARD).outstanding(tokens.find(token).endpoint())).isZero();
      try (TokenSocket socket = new TokenSocket(tokens)) {
        InetSocketAddress real = new InetSocketAddress("127.0.0.1", db.getLocalPort());
        assertThatThrownBy(() -> socket.connect(real, 1000))
            .isInstanceOf(ConnectException.class)
            .hasMessageContaining("expected the address of a mesh endpoint");
      }
    }
  }
}
