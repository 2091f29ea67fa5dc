package io.meshnative.servlet;

import io.meshnative.MeshPeer;
import io.meshnative.servlet.internal.AdmittedRequest;
import jakarta.servlet.ServletRequest;
import java.util.Optional;

/**
 * Who calls a servlet. The peer is the request's {@code Principal} as well, unless the application
 * has an authentication of its own.
 *
 * <pre>{@code
 * protected void doGet(HttpServletRequest request, HttpServletResponse response) {
 *   MeshPeer caller = MeshPeers.of(request).orElseThrow();
 *   log.info("called by " + caller.service().service());
 * }
 * }</pre>
 */
public final class MeshPeers {
  /** The request attribute that holds the {@link MeshPeer}. */
  public static final String ATTRIBUTE = "io.meshnative.servlet.peer";

  private MeshPeers() {}

  /**
   * Tells who has made a request.
   *
   * @param request the request, also one that was wrapped or dispatched
   * @return the peer; empty if the request did not come through the mesh
   */
  public static Optional<MeshPeer> of(ServletRequest request) {
    // Not from the public attribute, which the application may overwrite.
    return request.getAttribute(AdmittedRequest.ATTRIBUTE) instanceof AdmittedRequest admitted
        ? Optional.of(admitted.peer())
        : Optional.empty();
  }
}
