package io.meshnative.spring.boot.grpc;

import static io.meshnative.spring.boot.grpc.Speech.GUARD;
import static io.meshnative.spring.boot.grpc.Speech.call;
import static io.meshnative.spring.boot.grpc.Speech.end;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.grpc.client.GrpcChannelFactory;
import org.springframework.grpc.client.ImportGrpcClients;
import org.springframework.grpc.server.GlobalServerInterceptor;

/** Two whole applications: {@code orders} serves Spring gRPC in the mesh, {@code web} calls it. */
@EmbeddedMesh
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SpringGrpcTest {
  private static final String NO_CHAT =
      "[{\"Action\":\"deny\",\"HTTP\":{\"PathExact\":\"/test.Speech/Chat\"}},"
          + "{\"Action\":\"deny\",\"HTTP\":{\"PathExact\":\"/test.Speech/None\"}},"
          + "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]";

  private final Map<String, ManagedChannel> channels = new ConcurrentHashMap<>();
  private EmbeddedControlPlane plane;
  private ConfigurableApplicationContext orders;
  private ConfigurableApplicationContext web;

  /** What interceptors of the application's have seen. */
  static final class Interceptor implements ServerInterceptor {
    final Queue<String> seen = new ConcurrentLinkedQueue<>();

    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
      seen.add(call.getMethodDescriptor().getFullMethodName());
      return next.startCall(call, headers);
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Orders {
    @Bean
    Speech speech() {
      return new Speech();
    }

    @Bean
    @GlobalServerInterceptor
    Interceptor interceptor() {
      return new Interceptor();
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration
  @ImportGrpcClients(target = "named", types = HealthGrpc.HealthBlockingStub.class)
  static class Web {}

  private ConfigurableApplicationContext start(
      Class<?> application, WebApplicationType type, String... properties) {
    SpringApplication starting = new SpringApplication(application);
    starting.setWebApplicationType(type);
    return starting.run(
        Stream.concat(
                Stream.of(
                    "mesh-native.consul.address=" + plane.httpAddr(),
                    "mesh-native.shutdown-drain=0s",
                    "spring.main.banner-mode=off"),
                Stream.of(properties))
            .map(each -> "--" + each)
            .toArray(String[]::new));
  }

  private ConfigurableApplicationContext serve(String service, String... properties) {
    return start(
        Orders.class,
        WebApplicationType.SERVLET,
        Stream.concat(
                Stream.of(
                    "mesh-native.service=" + service,
                    "mesh-native.register.enabled=true",
                    "mesh-native.register.address=127.0.0.1",
                    "spring.grpc.server.port=0",
                    "spring.grpc.server.shutdown.grace-period=2m",
                    "server.port=0",
                    "server.address=127.0.0.1",
                    "management.server.port=0",
                    "management.server.address=127.0.0.1"),
                Stream.of(properties))
            .toArray(String[]::new));
  }

  @BeforeAll
  void start(EmbeddedControlPlane plane) {
    this.plane = plane;
    orders = serve("orders");
    web =
        start(
            Web.class,
            WebApplicationType.NONE,
            "mesh-native.service=web",
            "spring.grpc.client.channel.named.target=mesh:///orders",
            "spring.grpc.client.channel.suffixed.target=orders.mesh");
  }

  @AfterAll
  void stop() {
    web.close();
    orders.close();
  }

  @BeforeEach
  void allow() {
    plane.removeIntentions().defaultAllow(true);
    await()
        .atMost(GUARD)
        .ignoreExceptions()
        .until(() -> end(channel("named"), Speech.NONE) == Status.Code.UNIMPLEMENTED);
  }

  private Channel channel(String target) {
    return channels.computeIfAbsent(
        target, wanted -> web.getBean(GrpcChannelFactory.class).createChannel(wanted));
  }

  @Test
  void theseTestsRunOnTheSpringBootThatHasSpringGrpc() {
    assertThat(SpringBootVersion.getVersion()).startsWith("4.1.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "named",
        "suffixed",
        "mesh:///orders",
        "orders.mesh",
        "static://orders.mesh:9090",
        "orders.service.consul"
      })
  void aServiceIsCalledByAnyOfItsNames(String target) throws Exception {
    assertThat(call(channel(target), Speech.SAY, "hello")).isEqualTo("hello");
    assertThat(call(channel(target), Speech.WHO, "hello")).isEqualTo("web");
    Conversation chat = new Conversation(channel(target));
    assertThat(chat.say("one")).isEqualTo("one");
    assertThat(chat.say("two")).isEqualTo("two");
    chat.finish();
    assertThat(chat.end()).isEqualTo(Status.Code.OK);
  }

  @Test
  void stubsOfSpringAndTheHealthServiceOfBootGoThroughTheMesh() {
    assertThat(
            web.getBean(HealthGrpc.HealthBlockingStub.class)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void aRightThatIsWithdrawnEndsTheStreamThatRunsAndComesBack() throws Exception {
    Conversation chat = new Conversation(channel("named"));
    assertThat(chat.say("one")).isEqualTo("one");

    plane.intention("web", "orders", NO_CHAT);

    assertThat(chat.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(call(channel("named"), Speech.SAY, "still")).isEqualTo("still");

    plane.remove("web", "orders");

    await()
        .atMost(GUARD)
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(new Conversation(channel("named")).say("a")).isEqualTo("a"));
  }

  @Test
  void whoMayNotConnectIsRefusedAndMayAgainLater() {
    plane.deny("web", "orders");
    await()
        .atMost(GUARD)
        .until(() -> end(channel("named"), Speech.SAY) == Status.Code.PERMISSION_DENIED);

    plane.remove("web", "orders");
    await().atMost(GUARD).until(() -> end(channel("named"), Speech.SAY) == Status.Code.OK);
  }

  @Test
  void theDecisionComesBeforeInterceptorsAndBeforeAnybodyLooksForTheMethod() throws Exception {
    plane.intention("web", "orders", NO_CHAT);
    await()
        .atMost(GUARD)
        .until(() -> end(channel("named"), Speech.NONE) == Status.Code.PERMISSION_DENIED);

    Queue<String> seen = orders.getBean(Interceptor.class).seen;
    seen.clear();
    Conversation chat = new Conversation(channel("named"));
    assertThat(chat.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end(channel("named"), Speech.NONE)).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end(channel("named"), Speech.SAY)).isEqualTo(Status.Code.OK);

    assertThat(seen).containsExactly("test.Speech/Say");
  }

  @Test
  void noCallFailsWhileCertificatesAndRootsRotate() throws Exception {
    MeshClient caller = web.getBean(MeshClient.class);
    MeshClient callee = orders.getBean(MeshClient.class);
    Conversation oldest = new Conversation(channel("named"));
    assertThat(oldest.say("first")).isEqualTo("first");
    for (int rotation = 0; rotation < 6; rotation++) {
      long own = caller.trustGeneration();
      long theirs = callee.trustGeneration();
      if (rotation % 2 == 0) {
        plane.reissueLeaves();
      } else {
        plane.rotateRoot();
      }
      String word = "after " + rotation;
      await()
          .atMost(GUARD)
          .until(() -> {
            assertThat(call(channel("named"), Speech.SAY, word)).isEqualTo(word);
            return caller.trustGeneration() > own
                && callee.trustGeneration() > theirs
                && trustsAll(caller)
                && trustsAll(callee); // nobody may be two roots behind
          });
    }
    assertThat(oldest.say("last")).isEqualTo("last");
    oldest.finish();
    assertThat(oldest.end()).isEqualTo(Status.Code.OK);
  }

  private boolean trustsAll(MeshClient client) {
    return client.trustBundles().stream()
        .anyMatch(bundle -> bundle.roots().containsAll(plane.roots()));
  }

  @Test
  void whoHasNoIdentityIsNotServed() {
    int port = orders.getEnvironment().getRequiredProperty("local.mesh.grpc.port", Integer.class);
    ManagedChannel plain = NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
    try {
      assertThat(end(plain, Speech.SAY)).isEqualTo(Status.Code.UNAVAILABLE);
    } finally {
      plain.shutdownNow();
    }
  }

  @Test
  void probesReachTheManagementPortInPlain() throws Exception {
    Environment environment = orders.getEnvironment();
    for (String port : List.of("local.management.port", "local.server.port")) {
      HttpResponse<String> answer =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(
                          URI.create(
                              "http://127.0.0.1:"
                                  + environment.getRequiredProperty(port)
                                  + "/actuator/health"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(port.equals("local.management.port") ? 200 : 404);
    }
  }

  @Test
  void whatStopsFinishesItsCallsAndHasLeftTheCatalog() throws Exception {
    ManagedChannel stock = web.getBean(GrpcChannelFactory.class).createChannel("mesh:///stock");
    ConfigurableApplicationContext stocked = serve("stock");
    Thread closing = new Thread(stocked::close, "closing");
    try {
      await().atMost(GUARD).until(() -> end(stock, Speech.SAY) == Status.Code.OK);
      Conversation chat = new Conversation(stock);
      assertThat(chat.say("one")).isEqualTo("one");
      MeshGrpcServerLifecycle server = stocked.getBean(MeshGrpcServerLifecycle.class);

      closing.start();
      await().atMost(GUARD).until(() -> !server.isRunning());

      assertThat(chat.say("two")).isEqualTo("two");
      chat.finish();
      assertThat(chat.end()).isEqualTo(Status.Code.OK);
    } finally {
      stocked.close();
      closing.join();
      stock.shutdownNow();
    }
    MeshClient caller = web.getBean(MeshClient.class);
    await().atMost(GUARD).until(() -> caller.endpoints(Destination.parse("stock")).isEmpty());
  }
}
