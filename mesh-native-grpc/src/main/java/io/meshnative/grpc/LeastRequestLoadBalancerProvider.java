package io.meshnative.grpc;

import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.NameResolver.ConfigOrError;
import io.grpc.protobuf.services.HealthCheckingLoadBalancerUtil;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The policy {@value MeshChannelBuilder#LEAST_REQUEST}: of two endpoints drawn by weight, the one
 * with fewer calls running. It has no settings. Where {@code grpc-services} is on the class path,
 * client-side health checks work as with {@code round_robin}. Found by gRPC's {@code
 * ServiceLoader}.
 */
public final class LeastRequestLoadBalancerProvider extends LoadBalancerProvider {
  private static final LoadBalancer.Factory PLAIN =
      new LoadBalancer.Factory() {
        @Override
        public LoadBalancer newLoadBalancer(LoadBalancer.Helper helper) {
          return new LeastRequestLoadBalancer(helper, () -> ThreadLocalRandom.current().nextLong());
        }
      };

  /** Called by the {@code ServiceLoader}. */
  public LeastRequestLoadBalancerProvider() {}

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public int getPriority() {
    return 5;
  }

  @Override
  public String getPolicyName() {
    return MeshChannelBuilder.LEAST_REQUEST;
  }

  @Override
  public LoadBalancer newLoadBalancer(LoadBalancer.Helper helper) {
    try {
      return HealthCheckingLoadBalancerUtil.newHealthCheckingLoadBalancer(PLAIN, helper);
    } catch (NoClassDefFoundError e) {
      return PLAIN.newLoadBalancer(helper); // without grpc-services nobody asks for health checks
    }
  }

  @Override
  public ConfigOrError parseLoadBalancingPolicyConfig(Map<String, ?> settings) {
    return ConfigOrError.fromConfig("no settings");
  }
}
