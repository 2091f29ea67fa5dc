package io.meshnative.spring.boot.security;

import io.meshnative.MeshPeer;
import io.meshnative.servlet.MeshPeers;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.core.context.SecurityContextHolderStrategy;
import org.springframework.web.filter.GenericFilterBean;

/**
 * Makes the peer of a request's connection its authentication, where nobody else is. It runs in
 * each dispatch of a request, since nothing is stored between them.
 *
 * <p>Invariant: behind it, a principal that is a {@link MeshPeer} is the peer of this very
 * request's connection. One that a session brought along belonged to another.
 */
final class MeshAuthenticationFilter extends GenericFilterBean {
  private final MeshPeerAuthorities authorities;
  private final SecurityContextHolderStrategy contexts;

  MeshAuthenticationFilter(
      MeshPeerAuthorities authorities, SecurityContextHolderStrategy contexts) {
    this.authorities = authorities;
    this.contexts = contexts;
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    MeshPeer peer = MeshPeers.of(request).orElse(null);
    Authentication held = contexts.getContext().getAuthentication();
    if (held == null ? peer != null : held.getPrincipal() instanceof MeshPeer) {
      contexts.setContext(context(peer));
    }
    chain.doFilter(request, response);
  }

  private SecurityContext context(@Nullable MeshPeer peer) {
    SecurityContext context = contexts.createEmptyContext();
    if (peer != null) {
      context.setAuthentication(new MeshAuthentication(peer, authorities.of(peer)));
    }
    return context;
  }
}
