package io.meshnative.spring.boot.security;

import io.meshnative.MeshPeer;
import java.util.Collection;
import java.util.List;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.authority.SimpleGrantedAuthority;

/**
 * A bean that says what a peer may do by Spring Security's rules, beside what intentions let it do.
 *
 * <pre>{@code
 * @Bean
 * MeshPeerAuthorities authorities() {
 *   return peer ->
 *       peer.service().service().equals("billing")
 *           ? AuthorityUtils.createAuthorityList("ROLE_MESH_PEER", "invoices.write")
 *           : MeshPeerAuthorities.PEER;
 * }
 * }</pre>
 */
@FunctionalInterface
public interface MeshPeerAuthorities {
  /**
   * What every peer has unless the application says otherwise: {@code ROLE_MESH_PEER}, which tells
   * services from users and grants nothing by itself.
   */
  List<GrantedAuthority> PEER = List.of(new SimpleGrantedAuthority("ROLE_MESH_PEER"));

  /**
   * Returns the authorities of a peer. Called for each request, on the request's thread: it must
   * not block. A request for which it throws fails.
   *
   * @param peer who makes the request, as its connection has proved
   * @return the authorities; may be empty
   */
  Collection<? extends GrantedAuthority> of(MeshPeer peer);
}
