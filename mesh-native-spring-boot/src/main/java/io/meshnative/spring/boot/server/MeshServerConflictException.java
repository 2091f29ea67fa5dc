package io.meshnative.spring.boot.server;

/** The main connector is to serve the mesh and a certificate of its own at the same time. */
public final class MeshServerConflictException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  MeshServerConflictException() {
    super(
        "expected mesh-native.server.mode=primary or server.ssl.*, found both: the main connector"
            + " can serve the mesh, or a certificate of its own");
  }
}
