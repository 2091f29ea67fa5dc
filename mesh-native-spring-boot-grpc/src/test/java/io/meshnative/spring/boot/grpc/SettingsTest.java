package io.meshnative.spring.boot.grpc;

import static io.meshnative.spring.boot.grpc.Speech.GUARD;
import static io.meshnative.spring.boot.grpc.Speech.call;
import static io.meshnative.spring.boot.grpc.Speech.end;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.grpc.client.GrpcChannelBuilderCustomizer;
import org.springframework.grpc.client.GrpcChannelFactory;

/** What the application says of its channels and servers holds in the mesh, or is refused. */
@EmbeddedMesh
class SettingsTest {
  private final ApplicationContextRunner client;
  private final ApplicationContextRunner server;

  SettingsTest(EmbeddedControlPlane plane) {
    client = Contexts.client(plane);
    server = Contexts.server(plane);
  }

  @Test
  void aCertificateOfTheServersOwnAndTheMeshExcludeEachOther() {
    server
        .withPropertyValues("spring.grpc.server.ssl.bundle=own")
        .run(context -> {
          FailureAnalysis analysis = analyse(context);
          assertThat(analysis.getDescription()).contains("spring.grpc.server.ssl");
          assertThat(analysis.getAction()).contains("mesh-native.grpc.server.mode=additional");
        });
  }

  @Configuration(proxyBeanMethods = false)
  static class Caller {
    @Bean
    ManagedChannel orders(GrpcChannelFactory channels) {
      return channels.createChannel("orders");
    }
  }

  @Test
  void tlsSettingsOfAChannelAndTheMeshExcludeEachOther() {
    client
        .withUserConfiguration(Caller.class)
        .withPropertyValues(
            "spring.grpc.client.channel.orders.target=orders.mesh",
            "spring.grpc.client.channel.orders.ssl.bundle=own")
        .run(context -> {
          FailureAnalysis analysis = analyse(context);
          assertThat(analysis.getDescription())
              .contains("\"orders\"", "spring.grpc.client.channel.orders.ssl");
          assertThat(analysis.getAction()).contains("dns:///");
        });
  }

  @Test
  void aMeshHostThatNamesNoServiceIsNeverLeftToDns() {
    client.run(context ->
        assertThatThrownBy(
                () -> context.getBean(GrpcChannelFactory.class).createChannel("a.x.ns.y.ns.mesh"))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("the part .ns twice"));
  }

  @Configuration(proxyBeanMethods = false)
  static class Stranger {
    @Bean
    <T extends ManagedChannelBuilder<T>> GrpcChannelBuilderCustomizer<T> authority() {
      return (target, builder) -> builder.overrideAuthority("stranger");
    }
  }

  @Test
  void nobodyElseSaysWhoMustAnswer() {
    client
        .withUserConfiguration(Stranger.class)
        .run(context ->
            assertThatThrownBy(
                    () -> context.getBean(GrpcChannelFactory.class).createChannel("mesh:///orders"))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("authority"));
  }

  @Test
  void theSettingsOfChannelsAndServersHoldInTheMeshToo(EmbeddedControlPlane plane) {
    server
        .withPropertyValues(
            "spring.grpc.server.inbound.message.max-size=64B",
            "spring.grpc.client.channel.web.target=mesh:///web",
            "spring.grpc.client.channel.web.inbound.message.max-size=16B",
            "spring.grpc.client.channel.quick.target=mesh:///web",
            "spring.grpc.client.channel.quick.default.deadline=1s",
            "spring.grpc.client.channel.quick.health.enabled=true")
        .run(context -> {
          Contexts.enterCatalog(plane, context);
          GrpcChannelFactory channels = context.getBean(GrpcChannelFactory.class);
          ManagedChannel web = channels.createChannel("web");
          Awaitility.await().atMost(GUARD).until(() -> end(web, Speech.SAY) == Status.Code.OK);
          String tooLongForTheChannel = "a".repeat(32);
          ManagedChannel any = channels.createChannel("mesh:///web");
          assertThat(call(any, Speech.SAY, tooLongForTheChannel)).isEqualTo(tooLongForTheChannel);
          assertThat(failure(web, tooLongForTheChannel)).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
          assertThat(failure(any, "a".repeat(65))).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
          assertThatThrownBy(() ->
                  ClientCalls.blockingUnaryCall(
                      channels.createChannel("quick"), Speech.WAIT, CallOptions.DEFAULT, "x"))
              .hasMessageStartingWith("DEADLINE_EXCEEDED");
        });
  }

  private static Status.Code failure(ManagedChannel channel, String word) {
    try {
      call(channel, Speech.SAY, word);
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private static FailureAnalysis analyse(AssertableApplicationContext context) {
    Throwable failure = context.getStartupFailure();
    assertThat(failure).isNotNull();
    return SpringFactoriesLoader.forDefaultResourceLocation()
        .load(FailureAnalyzer.class, (type, name, failed) -> {}) // some of Boot's want arguments
        .stream()
        .filter(analyzer -> analyzer.getClass().getPackageName().startsWith("io.meshnative"))
        .map(analyzer -> analyzer.analyze(failure))
        .filter(Objects::nonNull)
        .findFirst()
        .orElseThrow();
  }
}
