package io.meshnative.spring.boot;

import io.meshnative.MeshClient;

/**
 * A bean that changes the builder of the application's {@link MeshClient} after the properties were
 * applied. Several are called in their order ({@link org.springframework.core.annotation.Order}).
 */
@FunctionalInterface
public interface MeshClientBuilderCustomizer {
  /**
   * Changes the builder. A setting that a property has given already is refused by the builder.
   *
   * @param builder the builder
   */
  void customize(MeshClient.Builder builder);
}
