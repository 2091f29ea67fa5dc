package io.meshnative.spring.boot.grpc;

import static io.meshnative.spring.boot.grpc.Speech.GUARD;
import static io.meshnative.spring.boot.grpc.Speech.call;
import static io.meshnative.spring.boot.grpc.Speech.end;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.grpc.client.GrpcChannelFactory;
import org.springframework.util.ClassUtils;

/** An application that serves gRPC and nothing else, on a class path that has no web server. */
@Tag("without-web-server")
@EmbeddedMesh
class WithoutWebServerTest {

  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Solo {
    @Bean
    Speech speech() {
      return new Speech();
    }
  }

  @Test
  void theServiceEntersTheCatalogUnderThePortOfItsGrpcServer(EmbeddedControlPlane plane) {
    for (String absent :
        new String[] {
          "org.springframework.boot.web.server.context.WebServerInitializedEvent",
          "org.springframework.web.context.WebApplicationContext",
          "jakarta.servlet.Servlet"
        }) {
      assertThat(ClassUtils.isPresent(absent, getClass().getClassLoader())).as(absent).isFalse();
    }
    try (ConfigurableApplicationContext solo =
        SpringApplication.run(
            Solo.class,
            "--mesh-native.service=solo",
            "--mesh-native.consul.address=" + plane.httpAddr(),
            "--mesh-native.shutdown-drain=0s",
            "--mesh-native.register.enabled=true",
            "--mesh-native.register.address=127.0.0.1",
            "--spring.grpc.server.port=0",
            "--spring.main.banner-mode=off")) {
      ManagedChannel channel = solo.getBean(GrpcChannelFactory.class).createChannel("mesh:///solo");
      await().atMost(GUARD).until(() -> end(channel, Speech.SAY) == Status.Code.OK);
      assertThat(call(channel, Speech.WHO, "")).isEqualTo("solo");
    }
  }
}
