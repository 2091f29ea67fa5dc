package io.meshnative.spring.boot.test;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.AutoConfigurationImportSelector;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.type.AnnotationMetadata;

/** Selects those of the class path's auto-configurations that are the mesh's or carry it. */
final class MeshAutoConfigurations extends AutoConfigurationImportSelector {
  /** With the request factories that ours wrap, which slices of clients do without. */
  private static final List<String> WANTED =
      List.of("io.meshnative.", "org.springframework.boot.http.client.autoconfigure.");

  @Override
  protected @Nullable AnnotationAttributes getAttributes(AnnotationMetadata metadata) {
    return new AnnotationAttributes();
  }

  @Override
  protected Set<String> getExclusions(
      AnnotationMetadata metadata, @Nullable AnnotationAttributes attributes) {
    return Set.of();
  }

  @Override
  protected List<String> getCandidateConfigurations(
      AnnotationMetadata metadata, @Nullable AnnotationAttributes attributes) {
    return super.getCandidateConfigurations(metadata, attributes).stream()
        .filter(name -> WANTED.stream().anyMatch(name::startsWith))
        .toList();
  }
}
