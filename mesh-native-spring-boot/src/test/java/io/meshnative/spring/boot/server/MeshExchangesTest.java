package io.meshnative.spring.boot.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.mock.http.server.reactive.MockServerHttpRequest;
import org.springframework.mock.web.server.MockServerWebExchange;

class MeshExchangesTest {
  /** As in slices of WebFlux: their requests say that no server has received them. */
  @Test
  void aRequestOfATestHasNoPeer() {
    MockServerWebExchange exchange = MockServerWebExchange.from(MockServerHttpRequest.get("/"));

    assertThat(MeshExchanges.peer(exchange)).isEmpty();
    assertThat(
            MeshExchanges.peer(
                exchange
                    .mutate()
                    .request(new ServerHttpRequestDecorator(exchange.getRequest()))
                    .build()))
        .isEmpty();
  }
}
