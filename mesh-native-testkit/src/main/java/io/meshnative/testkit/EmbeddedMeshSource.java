package io.meshnative.testkit;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;

/**
 * Supplies the plane of test classes whose framework starts the plane together with an application,
 * so that {@link EmbeddedMesh} on such a class does not start another one. Found by {@link
 * java.util.ServiceLoader}; the first that knows a class counts.
 *
 * <p>Implementations are called by the threads of tests, and are thread-safe.
 */
@SuppressWarnings("exports") // JUnit is optional: who uses this has it, nobody else must
public interface EmbeddedMeshSource {
  /**
   * Tells whether this source has the plane of a class that carries {@link EmbeddedMesh}. Asked
   * before the class's tests; starts nothing.
   *
   * @param testClass the class
   * @return whether {@link #plane} is to be asked for it
   */
  boolean supplies(Class<?> testClass);

  /**
   * Returns the plane of a test, which may start the application.
   *
   * @param context the test, or its class
   * @return the plane; its life is the source's business
   */
  EmbeddedControlPlane plane(ExtensionContext context);

  /**
   * Tells whether the framework itself fills a parameter, for which JUnit wants a single resolver.
   *
   * @param parameter a parameter of type {@link EmbeddedControlPlane}
   * @param context the test, or its class
   * @return whether it does
   */
  boolean fills(ParameterContext parameter, ExtensionContext context);
}
