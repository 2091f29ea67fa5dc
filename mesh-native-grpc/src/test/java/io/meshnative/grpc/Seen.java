package io.meshnative.grpc;

import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.Status;
import io.grpc.util.ForwardingLoadBalancer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;

/** A policy of the application's: notes the addresses that it is given, and goes round them. */
final class Seen extends LoadBalancerProvider {
  static final String NAME = "test_seen";
  static final List<EquivalentAddressGroup> REGISTERED = new CopyOnWriteArrayList<>();

  static {
    LoadBalancerRegistry.getDefaultRegistry().register(new Seen());
  }

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
    LoadBalancer round =
        Objects.requireNonNull(LoadBalancerRegistry.getDefaultRegistry().getProvider("round_robin"))
            .newLoadBalancer(helper);
    return new ForwardingLoadBalancer() {
      @Override
      protected LoadBalancer delegate() {
        return round;
      }

      @Override
      public Status acceptResolvedAddresses(LoadBalancer.ResolvedAddresses resolved) {
        REGISTERED.addAll(resolved.getAddresses());
        return round.acceptResolvedAddresses(
            resolved.toBuilder().setLoadBalancingPolicyConfig(null).build());
      }
    };
  }
}
