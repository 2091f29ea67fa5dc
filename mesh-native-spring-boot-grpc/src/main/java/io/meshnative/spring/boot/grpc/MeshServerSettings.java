package io.meshnative.spring.boot.grpc;

import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.meshnative.grpc.MeshServerBuilder;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerExecutorProvider;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.boot.util.LambdaSafe;
import org.springframework.grpc.server.ServerBuilderCustomizer;
import org.springframework.util.unit.DataSize;

/**
 * What the application says of its server, by properties and customizers, in the order in which
 * Spring Boot applies it to its own: codecs, executor, {@code spring.grpc.server.*}, the
 * application's customizers. Boot keeps the code that reads the properties to itself.
 */
final class MeshServerSettings implements ServerBuilderCustomizer<MeshServerBuilder> {
  private final GrpcServerProperties properties;
  private final ObjectProvider<CompressorRegistry> compressors;
  private final ObjectProvider<DecompressorRegistry> decompressors;
  private final ObjectProvider<GrpcServerExecutorProvider> executors;
  private final List<ServerBuilderCustomizer<?>> customizers;

  MeshServerSettings(
      GrpcServerProperties properties,
      ObjectProvider<CompressorRegistry> compressors,
      ObjectProvider<DecompressorRegistry> decompressors,
      ObjectProvider<GrpcServerExecutorProvider> executors,
      ObjectProvider<ServerBuilderCustomizer<?>> customizers) {
    this.properties = properties;
    this.compressors = compressors;
    this.decompressors = decompressors;
    this.executors = executors;
    this.customizers = customizers.orderedStream().toList();
  }

  @Override
  @SuppressWarnings("unchecked") // as Boot calls them: those of other builders are left out
  public void customize(MeshServerBuilder builder) {
    compressors.ifAvailable(builder::compressorRegistry);
    decompressors.ifAvailable(builder::decompressorRegistry);
    executors.ifAvailable(executor -> builder.executor(executor.getExecutor()));
    limit(builder);
    keepAlive(builder);
    LambdaSafe.callbacks(ServerBuilderCustomizer.class, customizers, builder)
        .withLogger(MeshServerSettings.class)
        .invoke(customizer -> customizer.customize(builder));
  }

  private void limit(MeshServerBuilder builder) {
    GrpcServerProperties.Inbound inbound = properties.getInbound();
    builder.maxInboundMessageSize(bytes(inbound.getMessage().getMaxSize()));
    builder.maxInboundMetadataSize(bytes(inbound.getMetadata().getMaxSize()));
  }

  private void keepAlive(MeshServerBuilder builder) {
    GrpcServerProperties.Keepalive keepalive = properties.getKeepalive();
    set(keepalive.getTime(), builder::keepAliveTime);
    set(keepalive.getTimeout(), builder::keepAliveTimeout);
    set(keepalive.getConnection().getMaxIdleTime(), builder::maxConnectionIdle);
    set(keepalive.getConnection().getMaxAge(), builder::maxConnectionAge);
    set(keepalive.getConnection().getGracePeriod(), builder::maxConnectionAgeGrace);
    set(keepalive.getPermit().getTime(), builder::permitKeepAliveTime);
    builder.permitKeepAliveWithoutCalls(keepalive.getPermit().isWithoutCalls());
  }

  private static int bytes(DataSize size) {
    return Math.toIntExact(size.toBytes());
  }

  private static void set(@Nullable Duration duration, BiConsumer<Long, TimeUnit> setting) {
    if (duration != null) {
      setting.accept(duration.toNanos(), TimeUnit.NANOSECONDS);
    }
  }
}
