package io.meshnative.spring.boot.grpc;

import static io.meshnative.spring.boot.grpc.Speech.GUARD;
import static io.meshnative.spring.boot.grpc.Speech.call;
import static io.meshnative.spring.boot.grpc.Speech.end;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.grpc.client.ClientInterceptorsConfigurer;
import org.springframework.grpc.client.DefaultGrpcChannelFactory;
import org.springframework.grpc.client.GrpcChannelBuilderCustomizer;
import org.springframework.grpc.client.GrpcChannelFactory;
import org.springframework.grpc.client.NettyGrpcChannelFactory;
import org.springframework.grpc.client.ShadedNettyGrpcChannelFactory;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.grpc.server.InProcessGrpcServerFactory;
import org.springframework.grpc.server.NettyGrpcServerFactory;
import org.springframework.grpc.server.ServerBuilderCustomizer;
import org.springframework.grpc.server.ShadedNettyGrpcServerFactory;
import org.springframework.grpc.server.lifecycle.GrpcServerLifecycle;

/** What is there, what backs off, and what is left alone. */
@EmbeddedMesh
class ConditionsTest {
  private final ApplicationContextRunner client;
  private final ApplicationContextRunner server;

  ConditionsTest(EmbeddedControlPlane plane) {
    client = Contexts.client(plane);
    server = Contexts.server(plane);
  }

  @Test
  void switchedOffSpringGrpcIsAsItWouldBeWithoutUs() {
    server
        .withPropertyValues("mesh-native.enabled=false")
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(MeshGrpcChannelFactory.class)
                .doesNotHaveBean(MeshGrpcServerFactory.class)
                .hasSingleBean(NettyGrpcServerFactory.class)
                .hasSingleBean(NettyGrpcChannelFactory.class));
  }

  @Test
  void eachSideIsSwitchedOffByItself() {
    server
        .withPropertyValues("mesh-native.grpc.client.enabled=false")
        .run(context ->
            assertThat(context)
                .doesNotHaveBean(MeshGrpcChannelFactory.class)
                .hasSingleBean(MeshGrpcServerFactory.class)
                .doesNotHaveBean(NettyGrpcServerFactory.class));
    server
        .withPropertyValues("mesh-native.grpc.server.mode=off")
        .run(context ->
            assertThat(context)
                .hasSingleBean(MeshGrpcChannelFactory.class)
                .doesNotHaveBean(MeshGrpcServerFactory.class)
                .hasSingleBean(NettyGrpcServerFactory.class));
    server
        .withPropertyValues("spring.grpc.server.enabled=false", "spring.grpc.client.enabled=false")
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(GrpcChannelFactory.class)
                .doesNotHaveBean(GrpcServerFactory.class));
  }

  @Test
  void withoutAServiceThereIsNoServer() {
    client.run(context ->
        assertThat(context)
            .hasSingleBean(MeshGrpcChannelFactory.class)
            .doesNotHaveBean(GrpcServerFactory.class));
  }

  @Test
  void onASpringBootWithoutSpringGrpcNothingHappens() {
    new ApplicationContextRunner()
        .withConfiguration(
            AutoConfigurations.of(
                MeshGrpcAdditionalServerAutoConfiguration.class,
                MeshGrpcClientAutoConfiguration.class,
                MeshGrpcServerAutoConfiguration.class,
                PlainNettyAutoConfiguration.class))
        .withClassLoader(
            new FilteredClassLoader("org.springframework.grpc", "org.springframework.boot.grpc"))
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void aServerBesideSpringsOwnServesTheSameInTheMesh(EmbeddedControlPlane plane) {
    server
        .withPropertyValues(
            "mesh-native.grpc.server.mode=additional",
            "mesh-native.grpc.server.port=0",
            "spring.grpc.server.ssl.enabled=false")
        .run(context -> {
          assertThat(context).hasSingleBean(NettyGrpcServerFactory.class);
          GrpcChannelFactory channels = context.getBean(GrpcChannelFactory.class);
          int own =
              context.getBean("nettyGrpcServerLifecycle", GrpcServerLifecycle.class).getPort();
          int mesh = Contexts.enterCatalog(plane, context);
          assertThat(mesh).isNotEqualTo(own);
          assertThat(call(channels.createChannel("127.0.0.1:" + own), Speech.WHO, ""))
              .isEqualTo("nobody");
          ManagedChannel channel = channels.createChannel("mesh:///web");
          Awaitility.await().atMost(GUARD).until(() -> end(channel, Speech.SAY) == Status.Code.OK);
          assertThat(call(channel, Speech.WHO, "")).isEqualTo("web");
        });
  }

  @Configuration(proxyBeanMethods = false)
  static class OwnServer {
    @Bean
    GrpcServerFactory own() {
      return new GrpcServerFactory() {
        @Override
        public Server createServer() {
          return InProcessServerBuilder.forName("own").build();
        }

        @Override
        public void addService(ServerServiceDefinition service) {
          throw new AssertionError("expected nobody to fill the application's own factory");
        }
      };
    }
  }

  @Test
  void aServerFactoryOfTheApplicationsWins() {
    server
        .withUserConfiguration(OwnServer.class)
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(MeshGrpcServerFactory.class)
                .hasSingleBean(GrpcServerFactory.class));
  }

  @Test
  void anInProcessServerStaysBesideThatOfTheMesh() {
    server
        .withPropertyValues("spring.grpc.server.inprocess.name=inside")
        .run(context -> {
          assertThat(context)
              .hasSingleBean(MeshGrpcServerFactory.class)
              .hasSingleBean(InProcessGrpcServerFactory.class);
          ManagedChannel inside =
              context.getBean(GrpcChannelFactory.class).createChannel("in-process:inside");
          assertThat(call(inside, Speech.WHO, "")).isEqualTo("nobody");
        });
  }

  /** As Spring Boot's test support: everything goes to one in-process server. */
  static final class Inside extends DefaultGrpcChannelFactory<InProcessChannelBuilder> {
    Inside(ClientInterceptorsConfigurer interceptors) {
      super(List.of(), interceptors);
      setVirtualTargets(target -> "test");
    }

    @Override
    public boolean supports(String target) {
      return true;
    }

    @Override
    protected InProcessChannelBuilder newChannelBuilder(
        String target, ChannelCredentials credentials) {
      return InProcessChannelBuilder.forName(target);
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class TestTransport {
    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE)
    Inside testGrpcChannelFactory(ClientInterceptorsConfigurer interceptors) {
      return new Inside(interceptors);
    }
  }

  @Test
  void channelsOfSpringsTestSupportComeFirst() throws Exception {
    Server inside = InProcessServerBuilder.forName("test").addService(new Speech()).build().start();
    try {
      client
          .withUserConfiguration(TestTransport.class)
          .run(context ->
              assertThat(
                      call(
                          context.getBean(GrpcChannelFactory.class).createChannel("mesh:///web"),
                          Speech.WHO,
                          ""))
                  .isEqualTo("nobody"));
    } finally {
      inside.shutdownNow().awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS);
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class PlainCustomizers {
    final AtomicInteger channels = new AtomicInteger();
    final AtomicInteger servers = new AtomicInteger();

    @Bean
    GrpcChannelBuilderCustomizer<NettyChannelBuilder> plainChannels() {
      return new GrpcChannelBuilderCustomizer<>() {
        @Override
        public void customize(String target, NettyChannelBuilder builder) {
          channels.incrementAndGet();
        }
      };
    }

    @Bean
    ServerBuilderCustomizer<NettyServerBuilder> plainServers() {
      return new ServerBuilderCustomizer<>() {
        @Override
        public void customize(NettyServerBuilder builder) {
          servers.incrementAndGet();
        }
      };
    }
  }

  @Test
  void whatIsOutsideTheMeshKeepsTheNettyThatItHad() {
    server
        .withUserConfiguration(PlainCustomizers.class)
        .withPropertyValues("mesh-native.grpc.server.mode=off")
        .run(context -> {
          assertThat(context)
              .doesNotHaveBean(ShadedNettyGrpcChannelFactory.class)
              .doesNotHaveBean(ShadedNettyGrpcServerFactory.class);
          PlainCustomizers seen = context.getBean(PlainCustomizers.class);
          assertThat(seen.servers).hasValue(1);
          GrpcChannelFactory channels = context.getBean(GrpcChannelFactory.class);
          for (String outside :
              List.of("localhost:1", "dns:///db.mesh", "static://db.internal:1")) {
            int before = seen.channels.get();
            channels.createChannel(outside);
            assertThat(seen.channels).as(outside).hasValue(before + 1);
          }
          int before = seen.channels.get();
          channels.createChannel("mesh:///db");
          assertThat(seen.channels).hasValue(before);
        });
  }

  @Test
  void whereThereIsOnlyTheNettyThatTheMeshBringsOthersUseItToo() {
    server
        .withPropertyValues("mesh-native.grpc.server.mode=off")
        .withClassLoader(new FilteredClassLoader(name -> name.startsWith("io.grpc.netty.Netty")))
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .hasSingleBean(ShadedNettyGrpcChannelFactory.class)
                .hasSingleBean(ShadedNettyGrpcServerFactory.class));
  }
}
