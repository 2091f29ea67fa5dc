package io.meshnative.grpc;

import io.grpc.ConnectivityState;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.Status;
import io.grpc.util.ForwardingLoadBalancerHelper;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gives each epoch a balancer of its own, and so connections of its own. While the epoch before can
 * serve, it does, until the new one has a connection; then its connections drain: calls that run on
 * them end in their own time. So no call fails, or waits, because a certificate or a root has
 * changed, not even where the peer has not heard of the new root yet and refuses us for a moment.
 *
 * <p>Runs in the channel's synchronization context.
 */
final class EpochLoadBalancer extends LoadBalancer {
  private static final Epoch NONE = new Epoch(0, 0, 0);

  /**
   * The policy below.
   *
   * @param policy makes the balancers
   * @param settings what it reads of the service config
   */
  record Config(LoadBalancerProvider policy, @Nullable Object settings) {}

  private final Helper helper;
  private @Nullable Child current;
  private @Nullable Child next;
  private Epoch wanted = NONE;
  private @Nullable ResolvedAddresses addresses;

  EpochLoadBalancer(Helper helper) {
    this.helper = helper;
  }

  /** A balancer of one epoch, and what it said last. */
  private final class Child extends ForwardingLoadBalancerHelper {
    private final Epoch epoch;
    private final LoadBalancer balancer;
    private ConnectivityState state = ConnectivityState.CONNECTING;
    private SubchannelPicker picker = new FixedResultPicker(PickResult.withNoResult());

    Child(Epoch epoch, LoadBalancerProvider policy) {
      this.epoch = epoch;
      this.balancer = policy.newLoadBalancer(this);
    }

    @Override
    protected Helper delegate() {
      return helper;
    }

    @Override
    public void updateBalancingState(ConnectivityState newState, SubchannelPicker newPicker) {
      state = newState;
      picker = newPicker;
      if (this == current) {
        if (state != ConnectivityState.READY && next != null) {
          swap();
        } else {
          helper.updateBalancingState(state, picker);
          advance();
        }
      } else if (this == next && state == ConnectivityState.READY) {
        swap();
      }
    }
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
    Epoch newest = resolved.getAttributes().get(Epoch.KEY);
    boolean tryAtOnce = newest != null && newest.attempt() != wanted.attempt();
    wanted = newest == null ? NONE : newest;
    addresses = resolved;
    if (resolved.getAddresses().isEmpty()) {
      Status reason = resolved.getAttributes().get(Epoch.REASON);
      shutdown();
      fail(
          reason == null
              ? Status.UNAVAILABLE.withDescription("expected endpoints, found none")
              : reason);
      return Status.OK;
    }
    if (tryAtOnce && current != null && current.state == ConnectivityState.TRANSIENT_FAILURE) {
      shutdown();
    }
    Child held = current;
    Child coming = next;
    if (held != null) {
      offer(held);
    }
    if (coming != null && coming == next) {
      offer(coming);
    }
    advance();
    return Status.OK;
  }

  /** Follows the wanted epoch as far as the current one lets it. */
  private void advance() {
    Child held = current;
    if (held == null) {
      if (addresses != null && !addresses.getAddresses().isEmpty()) {
        Child first = new Child(wanted, config().policy());
        current = first;
        helper.updateBalancingState(first.state, first.picker);
        offer(first);
      }
      return;
    }
    Child coming = next;
    if (held.epoch.connectsAs(wanted)) {
      if (coming != null) {
        next = null;
        coming.balancer.shutdown();
      }
      return;
    }
    switch (held.state) {
      case READY -> {
        if (coming == null || !coming.epoch.connectsAs(wanted)) {
          if (coming != null) {
            coming.balancer.shutdown();
          }
          Child fresh = new Child(wanted, config().policy());
          next = fresh;
          offer(fresh);
        }
      }
      case CONNECTING -> {
        // Its connections are made in the newest epoch or are asked again once it is ready: to
        // begin anew with each change would never end in a storm of them.
      }
      default -> {
        shutdown();
        advance();
      }
    }
  }

  private void swap() {
    Child old = current;
    Child fresh = Objects.requireNonNull(next, "next");
    current = fresh;
    next = null;
    helper.updateBalancingState(fresh.state, fresh.picker);
    if (old != null) {
      old.balancer.shutdown();
    }
    advance();
  }

  private void offer(Child child) {
    ResolvedAddresses resolved = Objects.requireNonNull(addresses, "addresses");
    Status taken =
        child.balancer.acceptResolvedAddresses(
            resolved.toBuilder().setLoadBalancingPolicyConfig(config().settings()).build());
    if (!taken.isOk() && child == current) {
      fail(taken);
    }
  }

  private Config config() {
    ResolvedAddresses resolved = Objects.requireNonNull(addresses, "addresses");
    return (Config)
        Objects.requireNonNull(
            resolved.getLoadBalancingPolicyConfig(), "the config of the mesh's own policy");
  }

  private void fail(Status reason) {
    helper.updateBalancingState(
        ConnectivityState.TRANSIENT_FAILURE, new FixedResultPicker(PickResult.withError(reason)));
  }

  @Override
  public void handleNameResolutionError(Status error) {
    Child held = current;
    if (held == null) {
      fail(error);
    } else {
      held.balancer.handleNameResolutionError(error);
    }
  }

  @Override
  public void requestConnection() {
    Child held = current;
    if (held != null) {
      held.balancer.requestConnection();
    }
  }

  /** Leaves nothing running; what is offered next begins anew. */
  @Override
  public void shutdown() {
    Child held = current;
    Child coming = next;
    current = null;
    next = null;
    if (held != null) {
      held.balancer.shutdown();
    }
    if (coming != null) {
      coming.balancer.shutdown();
    }
  }
}
