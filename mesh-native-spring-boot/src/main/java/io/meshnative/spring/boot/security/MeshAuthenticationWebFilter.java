package io.meshnative.spring.boot.security;

import io.meshnative.MeshPeer;
import java.util.Optional;
import java.util.function.Function;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.ReactiveSecurityContextHolder;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** What {@link MeshAuthenticationFilter} is for servlets, with the same invariant. */
final class MeshAuthenticationWebFilter implements WebFilter {
  private final MeshPeerAuthorities authorities;

  MeshAuthenticationWebFilter(MeshPeerAuthorities authorities) {
    this.authorities = authorities;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    return exchange
        .getPrincipal()
        .ofType(MeshPeer.class)
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty())
        .zipWith(isFree())
        .flatMap(found ->
            found.getT2()
                ? chain.filter(exchange).contextWrite(authenticated(found.getT1()))
                : chain.filter(exchange));
  }

  /** Nobody is there, or a peer that a session brought along. */
  private static Mono<Boolean> isFree() {
    return ReactiveSecurityContextHolder.getContext()
        .mapNotNull(SecurityContext::getAuthentication)
        .map(held -> held.getPrincipal() instanceof MeshPeer)
        .defaultIfEmpty(true);
  }

  private Function<Context, Context> authenticated(Optional<MeshPeer> peer) {
    if (peer.isEmpty()) {
      return ReactiveSecurityContextHolder.clearContext();
    }
    Authentication authentication =
        new MeshAuthentication(peer.get(), authorities.of(peer.get()));
    return context ->
        context.putAll(
            ReactiveSecurityContextHolder.withAuthentication(authentication).readOnly());
  }
}
