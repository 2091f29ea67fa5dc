package io.meshnative.spring.boot.security;

import io.meshnative.MeshPeer;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Collection;
import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AbstractAuthenticationToken;
import org.springframework.security.core.GrantedAuthority;
import org.springframework.security.core.Transient;

/**
 * A peer of the mesh as Spring Security sees it: the principal is the {@link MeshPeer}, the name
 * its SPIFFE id. Made by the library only, from a connection that proved the peer, for one request.
 *
 * <p>It is never stored: another request may come by another connection. Spring's repositories
 * leave it out ({@link Transient}), it cannot be serialized, and what an application stores by hand
 * is replaced when the next request comes.
 */
@Transient
public final class MeshAuthentication extends AbstractAuthenticationToken {
  private static final long serialVersionUID = 1L;

  private final transient MeshPeer peer;

  MeshAuthentication(MeshPeer peer, Collection<? extends GrantedAuthority> authorities) {
    super(authorities);
    this.peer = peer;
    setAuthenticated(true);
  }

  /** Returns the peer. */
  @Override
  public MeshPeer getPrincipal() {
    return peer;
  }

  /** Returns null: the private key has proved the peer, and stays with it. */
  @Override
  public @Nullable Object getCredentials() {
    return null;
  }

  private void writeObject(ObjectOutputStream out) throws NotSerializableException {
    throw refusal();
  }

  private void readObject(ObjectInputStream in) throws NotSerializableException {
    throw refusal();
  }

  private static NotSerializableException refusal() {
    return new NotSerializableException(
        "expected a peer of the mesh to be proven by each connection, found an attempt to store it");
  }
}
