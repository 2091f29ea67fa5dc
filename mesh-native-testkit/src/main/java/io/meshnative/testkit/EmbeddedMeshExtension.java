package io.meshnative.testkit;

import java.util.Optional;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Does what {@link EmbeddedMesh} says. Use the annotation. */
@SuppressWarnings("exports") // JUnit is optional: who uses this has it, nobody else must
public final class EmbeddedMeshExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(EmbeddedMeshExtension.class);
  private static final String PLANE = "plane";
  private static final String SOURCE = "source";

  /** For JUnit. */
  public EmbeddedMeshExtension() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    EmbeddedMesh wish = context.getRequiredTestClass().getAnnotation(EmbeddedMesh.class);
    if (wish != null) {
      source(context.getRequiredTestClass())
          .ifPresentOrElse(
              source -> context.getStore(NAMESPACE).put(SOURCE, source),
              () -> start(context, wish));
    }
  }

  /** Asked of the loader that the tests come from, as application servers' tools need it. */
  private static Optional<EmbeddedMeshSource> source(Class<?> testClass) {
    return ServiceLoader.load(EmbeddedMeshSource.class, testClass.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .filter(source -> source.supplies(testClass))
        .findFirst();
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    EmbeddedMesh wish = context.getRequiredTestMethod().getAnnotation(EmbeddedMesh.class);
    if (wish != null) {
      start(context, wish);
    }
  }

  private static void start(ExtensionContext context, EmbeddedMesh wish) {
    EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder()
            .defaultAllow(wish.defaultAllow())
            .mimic(wish.mimic())
            .datacenter(wish.datacenter())
            .start();
    context.getStore(NAMESPACE).put(PLANE, plane);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    if (context.getRequiredTestMethod().isAnnotationPresent(EmbeddedMesh.class)) {
      stop(context);
    }
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (context.getRequiredTestClass().isAnnotationPresent(EmbeddedMesh.class)) {
      stop(context);
    }
  }

  private static void stop(ExtensionContext context) {
    // Newer releases of JUnit close what is in a store by themselves; to close twice is harmless.
    EmbeddedControlPlane plane =
        context.getStore(NAMESPACE).remove(PLANE, EmbeddedControlPlane.class);
    if (plane != null) {
      plane.close();
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    if (parameter.getParameter().getType() != EmbeddedControlPlane.class) {
      return false;
    }
    EmbeddedMeshSource source = context.getStore(NAMESPACE).get(SOURCE, EmbeddedMeshSource.class);
    return source == null || !source.fills(parameter, context);
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    @Nullable EmbeddedControlPlane plane =
        context.getStore(NAMESPACE).get(PLANE, EmbeddedControlPlane.class);
    if (plane != null) {
      return plane;
    }
    @Nullable EmbeddedMeshSource source =
        context.getStore(NAMESPACE).get(SOURCE, EmbeddedMeshSource.class);
    if (source == null) {
      throw new ParameterResolutionException(
          "no control plane has been started yet for "
              + context.getDisplayName()
              + ": put @EmbeddedMesh on the class, or take the plane in the test method itself");
    }
    return source.plane(context);
  }
}
