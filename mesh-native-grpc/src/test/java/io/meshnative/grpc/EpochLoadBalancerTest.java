package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Attributes;
import io.grpc.ConnectivityState;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancer.FixedResultPicker;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.ResolvedAddresses;
import io.grpc.LoadBalancer.SubchannelPicker;
import io.grpc.LoadBalancerProvider;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which epoch's connections serve, step by step. */
class EpochLoadBalancerTest {
  private final List<Child> children = new ArrayList<>();
  private final Shown shown = new Shown();
  private final EpochLoadBalancer balancer = new EpochLoadBalancer(shown);

  /** What the channel is told. */
  private static final class Shown extends LoadBalancer.Helper {
    private ConnectivityState state = ConnectivityState.IDLE;
    private SubchannelPicker picker = new FixedResultPicker(PickResult.withNoResult());

    @Override
    public void updateBalancingState(ConnectivityState newState, SubchannelPicker newPicker) {
      state = newState;
      picker = newPicker;
    }

    @Override
    public ManagedChannel createOobChannel(EquivalentAddressGroup group, String authority) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String getAuthority() {
      return "orders.mesh";
    }
  }

  /** A balancer of one epoch; the test says how its connections fare. */
  private static final class Child extends LoadBalancer {
    private final Helper helper;
    private final SubchannelPicker picker = new FixedResultPicker(PickResult.withNoResult());
    private int offers;
    private boolean shutdown;

    Child(Helper helper) {
      this.helper = helper;
    }

    void becomes(ConnectivityState state) {
      helper.updateBalancingState(state, picker);
    }

    @Override
    public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
      assertThat(shutdown).isFalse();
      assertThat(resolved.getLoadBalancingPolicyConfig()).isEqualTo("settings");
      offers++;
      return Status.OK;
    }

    @Override
    public void handleNameResolutionError(Status error) {}

    @Override
    public void shutdown() {
      assertThat(shutdown).as("shut down once").isFalse();
      shutdown = true;
    }
  }

  private final LoadBalancerProvider policy =
      new LoadBalancerProvider() {
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
          return "children";
        }

        @Override
        public LoadBalancer newLoadBalancer(LoadBalancer.Helper helper) {
          Child child = new Child(helper);
          children.add(child);
          return child;
        }
      };

  private void resolve(long trust, long attempt, int addresses) {
    List<EquivalentAddressGroup> groups = new ArrayList<>();
    for (int i = 0; i < addresses; i++) {
      groups.add(new EquivalentAddressGroup(new InetSocketAddress("127.0.0.1", 1000 + i)));
    }
    Status taken =
        balancer.acceptResolvedAddresses(
            ResolvedAddresses.newBuilder()
                .setAddresses(groups)
                .setAttributes(
                    Attributes.newBuilder().set(Epoch.KEY, new Epoch(trust, 0, attempt)).build())
                .setLoadBalancingPolicyConfig(new EpochLoadBalancer.Config(policy, "settings"))
                .build());
    assertThat(taken.isOk()).isTrue();
  }

  private void assertServes(Child child) {
    assertThat(shown.picker).isSameAs(child.picker);
    assertThat(child.shutdown).isFalse();
  }

  @Test
  void theOldEpochServesUntilTheNewOneIsConnected() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    first.becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    Child second = children.get(1);
    second.becomes(ConnectivityState.CONNECTING);
    assertServes(first);
    second.becomes(ConnectivityState.READY);
    assertServes(second);
    assertThat(first.shutdown).isTrue();
    assertThat(shown.state).isEqualTo(ConnectivityState.READY);
  }

  @Test
  void aNewEpochThatIsRefusedForAMomentTakesNothingFromTheOldOne() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    first.becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    Child second = children.get(1);
    second.becomes(ConnectivityState.TRANSIENT_FAILURE);
    assertServes(first);
    assertThat(shown.state).isEqualTo(ConnectivityState.READY);
    second.becomes(ConnectivityState.READY);
    assertServes(second);
  }

  @Test
  void anOldEpochThatCannotServeGivesWayAtOnce() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    first.becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    first.becomes(ConnectivityState.CONNECTING);
    assertThat(first.shutdown).isTrue();
    assertThat(shown.state).isEqualTo(ConnectivityState.CONNECTING);
    children.get(1).becomes(ConnectivityState.READY);
    assertServes(children.get(1));
  }

  @Test
  void aStormOfEpochsDoesNotKeepTheFirstConnectionFromBeingMade() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    for (int epoch = 2; epoch < 50; epoch++) {
      resolve(epoch, 0, 1);
    }
    assertThat(children).hasSize(1);
    assertThat(first.shutdown).isFalse();
    first.becomes(ConnectivityState.READY);
    assertServes(first);
    assertThat(children).as("and then the newest follows").hasSize(2);
  }

  @Test
  void ofSeveralNewEpochsOnlyTheNewestGoesOn() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    first.becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    resolve(3, 0, 1);
    assertThat(children.get(1).shutdown).isTrue();
    children.get(2).becomes(ConnectivityState.READY);
    assertServes(children.get(2));
    assertThat(first.shutdown).isTrue();
  }

  @Test
  void addressesGoToBothEpochs() {
    resolve(1, 0, 1);
    children.get(0).becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    assertThat(children).extracting(child -> child.offers).containsExactly(2, 1);
    resolve(2, 0, 2);
    assertThat(children).extracting(child -> child.offers).containsExactly(3, 2);
  }

  @Test
  void aChangeThatMayHaveBeenTheReasonIsFollowedByAnAttemptWhereNothingIsConnected() {
    resolve(1, 0, 1);
    Child first = children.get(0);
    first.becomes(ConnectivityState.TRANSIENT_FAILURE);
    resolve(1, 1, 1);
    assertThat(first.shutdown).isTrue();
    children.get(1).becomes(ConnectivityState.READY);
    resolve(1, 2, 1);
    assertThat(children).as("an intention drains nothing").hasSize(2);
    assertServes(children.get(1));
  }

  @Test
  void withoutEndpointsNothingRunsAndTheReasonIsTold() {
    resolve(1, 0, 1);
    children.get(0).becomes(ConnectivityState.READY);
    resolve(2, 0, 1);
    resolve(2, 0, 0);
    assertThat(children).extracting(child -> child.shutdown).containsExactly(true, true);
    assertThat(shown.state).isEqualTo(ConnectivityState.TRANSIENT_FAILURE);
    resolve(2, 0, 1);
    children.get(2).becomes(ConnectivityState.READY);
    assertServes(children.get(2));
  }
}
