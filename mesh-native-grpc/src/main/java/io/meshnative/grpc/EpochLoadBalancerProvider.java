package io.meshnative.grpc;

import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.NameResolver.ConfigOrError;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The policy {@value #NAME} that mesh channels put around the one that was asked for: it lets the
 * connections of an older trust epoch drain. Found by gRPC's {@code ServiceLoader}; {@link
 * MeshChannelBuilder} sets it by itself.
 */
public final class EpochLoadBalancerProvider extends LoadBalancerProvider {
  static final String NAME = "mesh_epoch";
  static final String CHILD = "childPolicy";

  /** Called by the {@code ServiceLoader}. */
  public EpochLoadBalancerProvider() {}

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
    return NAME;
  }

  @Override
  public LoadBalancer newLoadBalancer(LoadBalancer.Helper helper) {
    return new EpochLoadBalancer(helper);
  }

  @Override
  public ConfigOrError parseLoadBalancingPolicyConfig(Map<String, ?> config) {
    if (config.get(CHILD) instanceof List<?> candidates) {
      for (Object candidate : candidates) {
        if (!(candidate instanceof Map<?, ?> named) || named.size() != 1) {
          return error("a policy with its settings in each entry", candidate);
        }
        Map.Entry<?, ?> one = named.entrySet().iterator().next();
        LoadBalancerProvider policy =
            LoadBalancerRegistry.getDefaultRegistry().getProvider(String.valueOf(one.getKey()));
        if (policy != null) {
          return one.getValue() instanceof Map<?, ?> settings
              ? parse(policy, settings)
              : error("an object as settings of " + one.getKey(), one.getValue());
        }
      }
    }
    return error("a load-balancing policy that is on the class path", config.get(CHILD));
  }

  @SuppressWarnings("unchecked") // the channel has checked that keys are texts
  private static ConfigOrError parse(LoadBalancerProvider policy, Map<?, ?> settings) {
    ConfigOrError parsed = policy.parseLoadBalancingPolicyConfig((Map<String, ?>) settings);
    return parsed.getError() != null
        ? parsed
        : ConfigOrError.fromConfig(new EpochLoadBalancer.Config(policy, parsed.getConfig()));
  }

  private static ConfigOrError error(String expected, @Nullable Object found) {
    return ConfigOrError.fromError(
        Status.UNAVAILABLE.withDescription("expected " + expected + ", found " + found));
  }
}
