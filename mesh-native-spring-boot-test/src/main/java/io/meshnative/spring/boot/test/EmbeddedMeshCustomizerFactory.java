package io.meshnative.spring.boot.test;

import io.meshnative.testkit.EmbeddedMesh;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.test.context.ContextConfigurationAttributes;
import org.springframework.test.context.ContextCustomizer;
import org.springframework.test.context.ContextCustomizerFactory;
import org.springframework.test.context.TestContextAnnotationUtils;

/** Gives contexts of test classes with {@link EmbeddedMesh} a control plane. */
final class EmbeddedMeshCustomizerFactory implements ContextCustomizerFactory {
  @Override
  public @Nullable ContextCustomizer createContextCustomizer(
      Class<?> testClass, List<ContextConfigurationAttributes> configAttributes) {
    EmbeddedMesh wish =
        TestContextAnnotationUtils.findMergedAnnotation(testClass, EmbeddedMesh.class);
    return wish == null ? null : EmbeddedMeshCustomizer.of(wish);
  }
}
