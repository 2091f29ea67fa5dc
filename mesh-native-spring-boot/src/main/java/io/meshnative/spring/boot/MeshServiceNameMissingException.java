package io.meshnative.spring.boot;

/** The application does not say which service it is. */
public final class MeshServiceNameMissingException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  MeshServiceNameMissingException() {
    super(
        "expected mesh-native.service or spring.application.name to name the service, found neither");
  }
}
