package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshClientProvider;
import io.meshnative.MeshState;
import io.meshnative.spring.boot.actuate.MeshActuatorAutoConfiguration;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.spring.boot.jdbc.MeshJdbcAutoConfiguration;
import io.meshnative.spring.boot.security.MeshSecurityAutoConfiguration;
import io.meshnative.spring.boot.server.MeshServletServerAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.util.Map;
import org.apache.catalina.webresources.TomcatURLStreamHandlerFactory;
import org.junit.jupiter.api.Test;
import org.springframework.aot.hint.predicate.RuntimeHintsPredicates;
import org.springframework.aot.test.generate.TestGenerationContext;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestClientAutoConfiguration;
import org.springframework.boot.tomcat.autoconfigure.servlet.TomcatServletWebServerAutoConfiguration;
import org.springframework.boot.web.server.servlet.context.AnnotationConfigServletWebServerApplicationContext;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.aot.ApplicationContextAotGenerator;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.test.tools.CompileWithForkedClassLoader;
import org.springframework.core.test.tools.TestCompiler;

/** What Spring generates for an application ahead of time is compiled, and runs. */
class AheadOfTimeTest {

  /** All of the starter, and of Boot what it works with: each class more is compiled. */
  @SpringBootConfiguration
  @ImportAutoConfiguration({
    MeshAutoConfiguration.class,
    MeshActuatorAutoConfiguration.class,
    MeshHttpClientAutoConfiguration.class,
    MeshJdbcAutoConfiguration.class,
    MeshServletServerAutoConfiguration.class,
    MeshSecurityAutoConfiguration.class,
    TomcatServletWebServerAutoConfiguration.class,
    DataSourceAutoConfiguration.class,
    ImperativeHttpClientAutoConfiguration.class,
    RestClientAutoConfiguration.class
  })
  static class Shop {}

  private static void given(ConfigurableApplicationContext context, String agent) {
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(
            new MapPropertySource(
                "test",
                Map.of(
                    "mesh-native.service", "shop",
                    "mesh-native.consul.address", agent,
                    "mesh-native.server.mode", "additional",
                    "mesh-native.server.port", "0",
                    "mesh-native.shutdown-drain", "0s",
                    "management.endpoint.mesh.access", "READ_ONLY",
                    "management.endpoints.web.exposure.include", "*",
                    "spring.datasource.url", "jdbc:postgresql://db.mesh/app",
                    "server.port", "0",
                    "server.address", "127.0.0.1")));
  }

  @Test
  @CompileWithForkedClassLoader
  void anApplicationWithTheStarterIsGeneratedCompiledAndServesTheMesh() {
    // The JVM takes one factory, once: the Tomcat of another class loader may have given its own.
    TomcatURLStreamHandlerFactory.disable();
    TestGenerationContext generation = new TestGenerationContext();
    try (var context = new AnnotationConfigServletWebServerApplicationContext()) {
      context.register(Shop.class);
      // Nobody is asked while the code is generated: not there where an image is built.
      given(context, "http://127.0.0.1:1");
      new ApplicationContextAotGenerator().processAheadOfTime(context, generation);
    }
    generation.writeGeneratedContent();
    assertThat(
            RuntimeHintsPredicates.resource()
                .forResource("META-INF/services/" + MeshClientProvider.class.getName()))
        .accepts(generation.getRuntimeHints());
    TestCompiler.forSystem()
        .with(generation)
        .compile(compiled -> {
          try (EmbeddedControlPlane plane = EmbeddedControlPlane.start();
              var context = new ServletWebServerApplicationContext()) {
            given(context, plane.httpAddr());
            initializer(compiled.getInstance(ApplicationContextInitializer.class))
                .initialize(context);
            context.refresh();
            assertThat(context.getBean(MeshClient.class).state()).isEqualTo(MeshState.READY);
            assertThat(context.getEnvironment().getProperty("local.mesh.port", Integer.class))
                .isPositive();
          }
        });
  }

  @SuppressWarnings("unchecked")
  private static ApplicationContextInitializer<GenericApplicationContext> initializer(
      ApplicationContextInitializer<?> generated) {
    return (ApplicationContextInitializer<GenericApplicationContext>) generated;
  }
}
