package io.meshnative.grpc;

import io.grpc.ClientStreamTracer;
import io.grpc.ConnectivityState;
import io.grpc.ConnectivityStateInfo;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer;
import io.grpc.Metadata;
import io.grpc.Status;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/**
 * Draws two connected endpoints by weight and takes the one with fewer calls running for its
 * weight, as {@link io.meshnative.discovery.LoadBalancer#powerOfTwoChoices} does for connections.
 *
 * <p>Runs in the channel's synchronization context, but for the picks.
 */
final class LeastRequestLoadBalancer extends LoadBalancer {
  private final Helper helper;
  private final RandomGenerator random;
  private final Map<List<SocketAddress>, Instance> instances = new LinkedHashMap<>();
  private Status failure = Status.UNAVAILABLE;

  /**
   * Makes a balancer.
   *
   * @param random chance; used by many threads at once
   */
  LeastRequestLoadBalancer(Helper helper, RandomGenerator random) {
    this.helper = helper;
    this.random = random;
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
    if (resolved.getAddresses().isEmpty()) {
      Status none = Status.UNAVAILABLE.withDescription("expected endpoints, found none");
      handleNameResolutionError(none);
      return none;
    }
    Set<List<SocketAddress>> offered = new HashSet<>();
    for (EquivalentAddressGroup group : resolved.getAddresses()) {
      offered.add(group.getAddresses());
      Instance held = instances.get(group.getAddresses());
      if (held == null) {
        Instance fresh = new Instance(group);
        instances.put(group.getAddresses(), fresh);
        fresh.start();
      } else {
        held.update(group);
      }
    }
    instances
        .entrySet()
        .removeIf(entry -> {
          boolean gone = !offered.contains(entry.getKey());
          if (gone) {
            entry.getValue().subchannel.shutdown();
          }
          return gone;
        });
    publish();
    return Status.OK;
  }

  @Override
  public void handleNameResolutionError(Status error) {
    failure = error;
    boolean serving =
        instances.values().stream().anyMatch(one -> one.state == ConnectivityState.READY);
    if (!serving) {
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE, new FixedResultPicker(PickResult.withError(error)));
    }
  }

  private void publish() {
    List<Choice> ready = new ArrayList<>();
    boolean connecting = false;
    for (Instance instance : instances.values()) {
      if (instance.state == ConnectivityState.READY) {
        ready.add(instance.choice());
      }
      connecting |=
          instance.state == ConnectivityState.CONNECTING
              || instance.state == ConnectivityState.IDLE;
    }
    if (!ready.isEmpty()) {
      helper.updateBalancingState(ConnectivityState.READY, new Picker(ready, random));
    } else if (connecting) {
      helper.updateBalancingState(
          ConnectivityState.CONNECTING, new FixedResultPicker(PickResult.withNoResult()));
    } else {
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE,
          new FixedResultPicker(PickResult.withError(failure)));
    }
  }

  @Override
  public void shutdown() {
    instances.values().forEach(instance -> instance.subchannel.shutdown());
    instances.clear();
  }

  /** An endpoint, its connection, and the calls that run there. */
  private final class Instance extends ClientStreamTracer.Factory {
    private final Subchannel subchannel;
    private final AtomicInteger running = new AtomicInteger();
    private int weight;
    private ConnectivityState state = ConnectivityState.IDLE;

    Instance(EquivalentAddressGroup group) {
      subchannel =
          helper.createSubchannel(
              CreateSubchannelArgs.newBuilder().setAddresses(List.of(group)).build());
      weight = weight(group);
    }

    void start() {
      subchannel.start(this::changed);
      subchannel.requestConnection();
    }

    void update(EquivalentAddressGroup group) {
      weight = weight(group);
      subchannel.updateAddresses(List.of(group));
    }

    Choice choice() {
      return new Choice(PickResult.withSubchannel(subchannel, this), running, weight);
    }

    private static int weight(EquivalentAddressGroup group) {
      Integer weight = group.getAttributes().get(MeshEndpoint.WEIGHT);
      return weight == null ? 1 : weight;
    }

    private void changed(ConnectivityStateInfo info) {
      ConnectivityState next = info.getState();
      if (next == ConnectivityState.SHUTDOWN) {
        return;
      }
      if (next == ConnectivityState.TRANSIENT_FAILURE) {
        failure = info.getStatus();
      }
      if (next == ConnectivityState.TRANSIENT_FAILURE || next == ConnectivityState.IDLE) {
        helper.refreshNameResolution();
      }
      if (next == ConnectivityState.IDLE) {
        subchannel.requestConnection();
      }
      // One that has failed counts as failed until it is connected: calls are told rather than left
      // waiting through each new attempt.
      boolean stillFailed =
          state == ConnectivityState.TRANSIENT_FAILURE
              && (next == ConnectivityState.CONNECTING || next == ConnectivityState.IDLE);
      if (!stillFailed) {
        state = next;
        publish();
      }
    }

    @Override
    public ClientStreamTracer newClientStreamTracer(
        ClientStreamTracer.StreamInfo info, Metadata headers) {
      return new Counted(running);
    }
  }

  /** A call while it runs. */
  private static final class Counted extends ClientStreamTracer {
    private final AtomicInteger running;
    private final AtomicInteger counted = new AtomicInteger();

    Counted(AtomicInteger running) {
      this.running = running;
    }

    @Override
    public void streamCreated(io.grpc.Attributes transport, Metadata headers) {
      if (counted.compareAndSet(0, 1)) {
        running.incrementAndGet();
      }
    }

    @Override
    public void streamClosed(Status status) {
      if (counted.getAndSet(2) == 1) {
        running.decrementAndGet();
      }
    }
  }

  /** What can be picked. */
  record Choice(PickResult result, AtomicInteger running, int weight) {
    boolean isBusierThan(Choice other) {
      return (long) running.get() * other.weight > (long) other.running.get() * weight;
    }
  }

  /** Picks among those that are connected at one moment. */
  static final class Picker extends SubchannelPicker {
    private final List<Choice> choices;
    private final int total;
    private final RandomGenerator random;

    Picker(List<Choice> choices, RandomGenerator random) {
      this.choices = List.copyOf(choices);
      this.total = choices.stream().mapToInt(Choice::weight).sum();
      this.random = random;
    }

    @Override
    public PickResult pickSubchannel(PickSubchannelArgs args) {
      return pick().result();
    }

    Choice pick() {
      if (choices.size() == 1) {
        return choices.get(0);
      }
      int first = draw(random.nextInt(total), -1);
      Choice one = choices.get(first);
      Choice other = choices.get(draw(random.nextInt(total - one.weight()), first));
      return one.isBusierThan(other) ? other : one;
    }

    /** The choice on whose share of the weights a point falls, one of them left out. */
    private int draw(int point, int leftOut) {
      int left = point;
      for (int i = 0; i < choices.size(); i++) {
        if (i != leftOut) {
          left -= choices.get(i).weight();
          if (left < 0) {
            return i;
          }
        }
      }
      throw new IllegalStateException("a point beyond all weights: " + point);
    }
  }
}
