package io.meshnative.spring.boot.jdbc;

/** The URL of a data source names a mesh host, and what does not go together with the mesh. */
public final class MeshDataSourceUrlException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  MeshDataSourceUrlException(IllegalArgumentException cause) {
    super(cause.getMessage(), cause);
  }
}
