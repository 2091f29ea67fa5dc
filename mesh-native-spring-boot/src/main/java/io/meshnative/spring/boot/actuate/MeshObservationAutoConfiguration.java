package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.Subscription;
import io.meshnative.micrometer.MeshDialObservationConvention;
import io.meshnative.micrometer.MeshHandshakeObservationConvention;
import io.meshnative.micrometer.MeshObservations;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * Dials and TLS handshakes as observations, and so as spans, where the application observes. {@code
 * management.observations.enable.mesh=false} switches them off; beans of the two convention types
 * name them otherwise.
 */
@AutoConfiguration(
    after = MeshAutoConfiguration.class,
    afterName =
        "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration")
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBean({MeshClient.class, ObservationRegistry.class})
public final class MeshObservationAutoConfiguration {

  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean(name = "meshObservations")
  Subscription meshObservations(
      MeshClient mesh,
      ObservationRegistry registry,
      ObjectProvider<MeshDialObservationConvention> dials,
      ObjectProvider<MeshHandshakeObservationConvention> handshakes) {
    MeshObservations observations = MeshObservations.of(mesh, registry);
    MeshDialObservationConvention dial = dials.getIfAvailable();
    MeshHandshakeObservationConvention handshake = handshakes.getIfAvailable();
    if (dial != null) {
      observations = observations.withDialConvention(dial);
    }
    if (handshake != null) {
      observations = observations.withHandshakeConvention(handshake);
    }
    return observations.start();
  }
}
