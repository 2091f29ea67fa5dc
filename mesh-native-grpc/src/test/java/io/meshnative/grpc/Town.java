package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** An embedded control plane, services and channels, closed in the opposite order. */
final class Town implements AutoCloseable {
  static final Duration GUARD = Duration.ofSeconds(60);

  /** On what TLS runs. */
  enum Engine {
    JSSE,
    CONSCRYPT;

    TlsProvider provider() {
      return this == JSSE
          ? TlsProvider.jsse()
          : TlsProvider.of(org.conscrypt.Conscrypt.newProvider());
    }
  }

  final EmbeddedControlPlane plane;
  private final Engine engine;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  Town(Engine engine) throws Exception {
    this.engine = engine;
    this.plane = keep(EmbeddedControlPlane.start());
  }

  <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  MeshClient client(String service) throws Exception {
    return client(service, builder -> builder);
  }

  MeshClient client(String service, UnaryOperator<MeshClient.Builder> settings) throws Exception {
    MeshClient client =
        keep(
            settings
                .apply(
                    MeshClient.builder(service)
                        .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                        .tlsProvider(engine.provider()))
                .build());
    client.awaitReady(GUARD);
    return client;
  }

  /** A server of a service that answers by the name of its instance, and stands in the catalog. */
  TalkServer serve(MeshClient mesh, String instance) throws Exception {
    TalkServer server = listen(mesh, instance);
    plane.register(mesh.service(), instance, "127.0.0.1", server.port());
    return server;
  }

  TalkServer listen(MeshClient mesh, String instance) throws Exception {
    return keep(new TalkServer(mesh.serverContext(), true, Talk.as(instance)));
  }

  ManagedChannel channel(MeshClient mesh, String service) {
    return keep(MeshChannelBuilder.forService(service, mesh));
  }

  ManagedChannel keep(MeshChannelBuilder builder) {
    ManagedChannel channel = builder.build();
    open.push(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  static String say(Channel channel, String text) {
    return ClientCalls.blockingUnaryCall(
        channel, Talk.SAY, CallOptions.DEFAULT.withDeadlineAfter(GUARD), text);
  }

  /** The status with which a call fails. */
  static Status refused(Channel channel) {
    try {
      throw new AssertionError("expected a call to fail, found: " + say(channel, "hello"));
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
