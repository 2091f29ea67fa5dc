package io.meshnative.tests;

import io.meshnative.spring.boot.MeshClientBuilderCustomizer;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts the application on the TLS engine that the test names. */
@Configuration(proxyBeanMethods = false)
class BootEngine {
  @Bean
  static MeshClientBuilderCustomizer engine(@Value("${test.tls:CONSCRYPT}") TlsKind tls) {
    return builder -> tls.provider().ifPresent(builder::tlsProvider);
  }
}
