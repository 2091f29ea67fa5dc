package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

class MeshProbesTest {

  @ParameterizedTest
  @CsvSource({
    "mesh-native.server.mode=primary, true",
    "mesh-native.server.mode=primary management.server.port=8080, true",
    "mesh-native.server.mode=primary server.port=9 management.server.port=9, true",
    "mesh-native.server.mode=primary management.server.port=-1, true",
    "mesh-native.server.mode=primary management.server.port=9, false",
    "mesh-native.server.mode=primary server.port=0 management.server.port=0, false",
    "mesh-native.server.mode=primary mesh-native.register.enabled=true, false",
    "mesh-native.server.mode=additional, false",
    "mesh-native.server.mode=off, false"
  })
  void itWarnsWhereNoProbeHasAWayIn(String properties, boolean warned) {
    Map<String, Object> given =
        Stream.of(properties.split(" "))
            .map(each -> each.split("="))
            .collect(Collectors.toMap(each -> each[0], each -> each[1]));
    StandardEnvironment environment = new StandardEnvironment();
    environment.getPropertySources().addFirst(new MapPropertySource("test", given));
    MeshProperties bound =
        new Binder(new MapConfigurationPropertySource(given))
            .bindOrCreate("mesh-native", MeshProperties.class);
    assertThat(new MeshProbes(bound, environment).warning().isPresent()).isEqualTo(warned);
  }
}
