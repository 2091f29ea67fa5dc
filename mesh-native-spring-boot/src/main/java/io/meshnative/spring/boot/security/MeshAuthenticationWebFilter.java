package io.meshnative.spring.boot.security;

import io.meshnative.MeshPeer;
import io.meshnative.reactor.netty.MeshPeers;
import java.util.Optional;
import org.springframework.http.server.reactive.AbstractServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.util.context.Context;

/** What {@link MeshAuthenticationFilter} is for servlets, with the same invariant. */
final class MeshAuthenticationWebFilter implements WebFilter {
  private final MeshPeerAuthorities authorities;

  MeshAuthenticationWebFilter(MeshPeerAuthorities authorities) {
    this.authorities = authorities;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    Optional<MeshPeer> peer = peer(exchange.getRequest());
    return isFree()
        .flatMap(free ->
            free
                ? chain.filter(exchange).contextWrite(context -> authenticated(context, peer))
                : chain.filter(exchange));
  }

  /** Nobody is there, or a peer that a session brought along. */
  private static Mono<Boolean> isFree() {
    return ReactiveSecurityContextHolder.getContext()
        .mapNotNull(SecurityContext::getAuthentication)
        .map(held -> held.getPrincipal() instanceof MeshPeer)
        .defaultIfEmpty(true);
  }

  private Context authenticated(Context context, Optional<MeshPeer> peer) {
    if (peer.isEmpty()) {
      return ReactiveSecurityContextHolder.clearContext().apply(context);
    }
    Authentication authentication = new MeshAuthentication(peer.get(), authorities.of(peer.get()));
    return context.putAll(
        ReactiveSecurityContextHolder.withAuthentication(authentication).readOnly());
  }

  /** From the connection, below whatever wraps the request. */
  private static Optional<MeshPeer> peer(ServerHttpRequest request) {
    ServerHttpRequest bare = request;
    while (bare instanceof ServerHttpRequestDecorator decorator) {
      bare = decorator.getDelegate();
    }
    if (!(bare instanceof AbstractServerHttpRequest server)) {
      return Optional.empty();
    }
    Object connected;
    try {
      connected = server.getNativeRequest();
    } catch (IllegalStateException e) {
      return Optional.empty(); // that of a test without a server
    }
    return connected instanceof HttpServerRequest netty ? MeshPeers.of(netty) : Optional.empty();
  }
}
