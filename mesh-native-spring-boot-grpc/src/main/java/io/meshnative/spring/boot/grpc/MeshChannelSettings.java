package io.meshnative.spring.boot.grpc;

import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.meshnative.grpc.MeshChannelBuilder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientDefaultServiceConfigCustomizer;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientProperties;
import org.springframework.boot.util.LambdaSafe;
import org.springframework.grpc.client.GrpcChannelBuilderCustomizer;

/**
 * What the application says of its channels, by properties and customizers, in the order in which
 * Spring Boot applies it to its own: codecs, {@code spring.grpc.client.channel.*} (which is a
 * customizer bean of Boot's), the application's customizers, the service config.
 */
final class MeshChannelSettings implements GrpcChannelBuilderCustomizer<MeshChannelBuilder> {
  private static final String HEALTH = "healthCheckConfig";
  private static final String HEALTH_SERVICE = "serviceName";

  private final GrpcClientProperties properties;
  private final ObjectProvider<CompressorRegistry> compressors;
  private final ObjectProvider<DecompressorRegistry> decompressors;
  private final List<GrpcChannelBuilderCustomizer<?>> customizers;
  private final List<GrpcClientDefaultServiceConfigCustomizer> configs;

  MeshChannelSettings(
      GrpcClientProperties properties,
      ObjectProvider<CompressorRegistry> compressors,
      ObjectProvider<DecompressorRegistry> decompressors,
      ObjectProvider<GrpcChannelBuilderCustomizer<?>> customizers,
      ObjectProvider<GrpcClientDefaultServiceConfigCustomizer> configs) {
    this.properties = properties;
    this.compressors = compressors;
    this.decompressors = decompressors;
    this.customizers = customizers.orderedStream().toList();
    this.configs = configs.orderedStream().toList();
  }

  @Override
  @SuppressWarnings("unchecked") // as Boot calls them: those of other builders are left out
  public void customize(String target, MeshChannelBuilder builder) {
    compressors.ifAvailable(builder::compressorRegistry);
    decompressors.ifAvailable(builder::decompressorRegistry);
    LambdaSafe.callbacks(GrpcChannelBuilderCustomizer.class, customizers, builder)
        .withLogger(MeshChannelSettings.class)
        .invoke(customizer -> customizer.customize(target, builder));
    Map<String, Object> config = new LinkedHashMap<>();
    apply(target, config);
    configs.forEach(customizer -> customizer.customize(target, config));
    if (!config.isEmpty()) {
      builder.defaultServiceConfig(config);
    }
  }

  private void apply(String target, Map<String, Object> config) {
    Map<String, GrpcClientProperties.Channel> channels = properties.getChannel();
    GrpcClientProperties.Channel channel = channels.getOrDefault(target, channels.get("default"));
    if (channel == null) {
      return;
    }
    if (channel.getServiceConfig() != null) {
      channel.getServiceConfig().applyTo(config);
    }
    if (channel.getHealth().isEnabled()) {
      String service = channel.getHealth().getServiceName();
      config.put(HEALTH, Map.of(HEALTH_SERVICE, service == null ? "" : service));
    }
  }
}
