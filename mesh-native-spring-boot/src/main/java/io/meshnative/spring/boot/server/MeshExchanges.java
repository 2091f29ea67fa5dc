package io.meshnative.spring.boot.server;

import io.meshnative.MeshPeer;
import io.meshnative.reactor.netty.MeshPeers;
import java.security.Principal;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.AbstractServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;

/** Exchanges of WebFlux and who calls in them. */
final class MeshExchanges {
  private MeshExchanges() {}

  /** Who calls, below whatever has wrapped the request; empty if it is not of the mesh. */
  static Optional<MeshPeer> peer(ServerWebExchange exchange) {
    ServerHttpRequest request = exchange.getRequest();
    return received(request) instanceof HttpServerRequest netty
        ? MeshPeers.of(netty)
        : Optional.empty();
  }

  private static @Nullable Object received(ServerHttpRequest request) {
    boolean isNative =
        request instanceof AbstractServerHttpRequest
            || request instanceof ServerHttpRequestDecorator;
    try {
      return isNative ? ServerHttpRequestDecorator.getNativeRequest(request) : null;
    } catch (IllegalStateException | IllegalArgumentException e) {
      return null; // a request of a test, which no server has received
    }
  }

  /** The same exchange whose principal is the peer where nobody has logged in otherwise. */
  static ServerWebExchange known(ServerWebExchange exchange, MeshPeer peer) {
    return new ServerWebExchangeDecorator(exchange) {
      @Override
      @SuppressWarnings("unchecked") // as the interface has it: the caller says of which type
      public <T extends Principal> Mono<T> getPrincipal() {
        return super.<T>getPrincipal().switchIfEmpty(Mono.just((T) peer));
      }
    };
  }

  /** The same exchange whose principal is the peer, whoever has logged in; none without a peer. */
  static ServerWebExchange asked(ServerWebExchange exchange, @Nullable MeshPeer peer) {
    return new ServerWebExchangeDecorator(exchange) {
      @Override
      @SuppressWarnings("unchecked") // as the interface has it: the caller says of which type
      public <T extends Principal> Mono<T> getPrincipal() {
        return Mono.justOrEmpty((T) peer);
      }
    };
  }
}
