package io.meshnative.spring.boot.test;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.AutoConfigurationImportSelector;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.type.AnnotationMetadata;

/** Selects those of the class path's auto-configurations that are the mesh's. */
final class MeshAutoConfigurations extends AutoConfigurationImportSelector {
  private static final String OURS = "io.meshnative.";

  @Override
  protected @Nullable AnnotationAttributes getAttributes(AnnotationMetadata metadata) {
    return new AnnotationAttributes();
  }

  @Override
  protected List<String> getCandidateConfigurations(
      AnnotationMetadata metadata, @Nullable AnnotationAttributes attributes) {
    return super.getCandidateConfigurations(metadata, attributes).stream()
        .filter(name -> name.startsWith(OURS))
        .toList();
  }
}
