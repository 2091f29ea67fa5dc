package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringBootVersion;

/**
 * These tests run twice, on the Spring Boot that we compile against and on the newest: neither run
 * may silently be the other one again.
 */
class SpringBootVersionTest {
  private static final String IMPORTS =
      "META-INF/spring/org.springframework.boot.autoconfigure.AutoConfiguration.imports";

  @Test
  void theseTestsRunOnTheSpringBootThatTheirModuleSays() {
    String line = System.getProperty("mesh.spring-boot.line");
    assertThat(line).as("mesh.spring-boot.line, which the POM of the module sets").isNotNull();
    assertThat(SpringBootVersion.getVersion()).startsWith(line + ".");
  }

  @Test
  void allModulesOfSpringBootAreOfThatVersion() throws Exception {
    List<String> modules =
        Collections.list(getClass().getClassLoader().getResources(IMPORTS)).stream()
            .map(URL::toString)
            .filter(place -> place.contains("/org/springframework/boot/"))
            .toList();
    assertThat(modules)
        .hasSizeGreaterThan(10)
        .allMatch(place -> place.contains("/" + SpringBootVersion.getVersion() + "/"));
  }
}
