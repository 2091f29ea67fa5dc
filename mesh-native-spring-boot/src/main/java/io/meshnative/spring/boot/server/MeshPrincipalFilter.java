package io.meshnative.spring.boot.server;

import io.meshnative.MeshPeer;
import io.meshnative.servlet.MeshPeers;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.security.Principal;
import org.jspecify.annotations.Nullable;
import org.springframework.web.filter.OncePerRequestFilter;

/**
 * Makes the peer the principal of the request in containers whose contexts have a security handler
 * of their own, which knows of none. It decides nothing: requests were judged before.
 */
final class MeshPrincipalFilter extends OncePerRequestFilter {
  @Override
  protected boolean shouldNotFilterErrorDispatch() {
    return false;
  }

  @Override
  protected boolean shouldNotFilterAsyncDispatch() {
    return false;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    MeshPeer peer = MeshPeers.of(request).orElse(null);
    chain.doFilter(
        peer == null || request.getUserPrincipal() != null ? request : new Known(request, peer),
        response);
  }

  private static final class Known extends HttpServletRequestWrapper {
    private final MeshPeer peer;

    Known(HttpServletRequest request, MeshPeer peer) {
      super(request);
      this.peer = peer;
    }

    @Override
    public Principal getUserPrincipal() {
      Principal logged = super.getUserPrincipal();
      return logged == null ? peer : logged;
    }

    @Override
    public @Nullable String getRemoteUser() {
      String logged = super.getRemoteUser();
      return logged == null ? peer.getName() : logged;
    }

    @Override
    public @Nullable String getAuthType() {
      String logged = super.getAuthType();
      return logged == null ? HttpServletRequest.CLIENT_CERT_AUTH : logged;
    }
  }
}
