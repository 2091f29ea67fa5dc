package io.meshnative.okhttp;

import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * How OkHttp's calls go into the mesh. Immutable; the {@code with} methods return copies.
 *
 * @param hosts which hosts of URLs are in the mesh
 * @param redirects which borders a redirect may cross
 */
public record MeshCallOptions(MeshHosts hosts, Set<Border> redirects) {
  private static final MeshCallOptions DEFAULTS =
      new MeshCallOptions(MeshHosts.defaults(), Set.of());

  /**
   * What a redirect crosses that does not lead back to the service that sent it. Whoever answers a
   * call names the next host, and the caller goes there under its own identity: a service that may
   * not call another one, or somebody outside, could have it called. So each border is closed
   * unless opened.
   */
  public enum Border {
    /** From one mesh service to another one. */
    BETWEEN_SERVICES,
    /** From a mesh service to a host outside the mesh. */
    OUT_OF_MESH,
    /** From a host outside the mesh to a mesh service. */
    INTO_MESH
  }

  /** Copies the set. */
  public MeshCallOptions {
    Objects.requireNonNull(hosts, "hosts");
    EnumSet<Border> copy = EnumSet.noneOf(Border.class);
    copy.addAll(redirects);
    redirects = java.util.Collections.unmodifiableSet(copy);
  }

  /**
   * Returns the defaults: {@link MeshHosts#defaults()}, and no redirect leads away from the service
   * that sent it.
   *
   * @return the defaults
   */
  public static MeshCallOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with these hosts.
   *
   * @param hosts which hosts of URLs are in the mesh
   * @return the copy
   */
  public MeshCallOptions withHosts(MeshHosts hosts) {
    return new MeshCallOptions(hosts, redirects);
  }

  /**
   * Returns a copy whose redirects may cross these borders, and no others. Whether redirects are
   * followed at all is the client's setting. A redirect that crosses a border takes neither {@code
   * Authorization} nor {@code Cookie} nor {@code Host} headers along; those of the client's
   * authenticator and cookie jar are for each host anew. The handshake of a WebSocket never crosses
   * one.
   *
   * @param redirects the borders
   * @return the copy
   */
  public MeshCallOptions withRedirects(Border... redirects) {
    return new MeshCallOptions(hosts, Set.copyOf(List.of(redirects)));
  }
}
