package io.meshnative.grpc;

import io.grpc.Attributes;
import io.grpc.ChannelLogger;
import io.grpc.ChannelLogger.ChannelLogLevel;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import io.grpc.SynchronizationContext.ScheduledHandle;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.Subscription;
import io.meshnative.discovery.EndpointSet;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Tells a channel the endpoints of its service, live, and the {@link Epoch} that connections to
 * them are made in.
 *
 * <p>All state belongs to the channel's synchronization context. Nothing blocks there: what may
 * (host names of endpoints, the question why there are none) runs on the offload executor.
 */
final class MeshNameResolver extends NameResolver {
  /** How long calls wait for a control plane that says nothing, before they are told so. */
  private static final long PATIENCE_SECONDS = 10;

  private final MeshBinding binding;
  private final MeshClient mesh;
  private final SynchronizationContext context;
  private final ScheduledExecutorService scheduler;
  private final Executor offload;
  private final ChannelLogger logger;

  private final List<Subscription> subscriptions = new ArrayList<>();
  private final Retirement retirement;
  private @Nullable Listener2 listener;
  private @Nullable ScheduledHandle patience;
  private @Nullable EndpointSet endpoints;
  private Map<?, String> authorities = Map.of();
  private boolean shutdown;
  private long revision;
  private long attempt;
  private long turn;

  MeshNameResolver(MeshBinding binding, Args args) {
    this.binding = binding;
    this.mesh = binding.mesh();
    this.context = args.getSynchronizationContext();
    this.scheduler = args.getScheduledExecutorService();
    this.offload = Objects.requireNonNull(args.getOffloadExecutor(), "offload executor");
    this.logger = args.getChannelLogger();
    this.retirement = new Retirement(context, scheduler, this::replaceConnections);
  }

  @Override
  public String getServiceAuthority() {
    return MeshAuthority.of(binding.destination());
  }

  @Override
  public void start(Listener2 listener) {
    this.listener = listener;
    patience =
        context.schedule(this::explainEmptiness, PATIENCE_SECONDS, TimeUnit.SECONDS, scheduler);
    subscriptions.add(mesh.subscribe(this::heard));
    subscriptions.add(
        mesh.watch(binding.destination(), set -> context.execute(() -> arrived(set))));
    mesh.whenReady()
        .whenComplete((ready, failure) ->
            context.execute(ready == null ? this::explainEmptiness : this::publish));
  }

  private void heard(MeshEvent event) {
    if (event instanceof MeshEvent.TrustChanged) {
      context.execute(this::publish);
    } else if (event instanceof MeshEvent.PolicyChanged) {
      context.execute(() -> {
        attempt++; // what was denied may be allowed now
        publish();
      });
    } else if (event instanceof MeshEvent.Retiring old
        && old.direction() == MeshEvent.Direction.OUTBOUND
        && old.destination().filter(binding::concerns).isPresent()) {
      Duration left = Duration.between(old.at(), old.notAfter());
      context.execute(() -> retirement.ask(left));
    }
  }

  private void arrived(EndpointSet set) {
    endpoints = set;
    publish();
  }

  private void replaceConnections() {
    revision++;
    publish();
  }

  @Override
  public void refresh() {
    EndpointSet set = endpoints;
    if (set != null && !EndpointAddresses.areLiteral(set)) {
      publish(); // its names may stand for other addresses by now
    }
  }

  /** Tells the channel what is known, once there is an identity to connect with. */
  private void publish() {
    EndpointSet set = endpoints;
    if (shutdown || set == null || mesh.trustGeneration() == 0) {
      return;
    }
    long mine = ++turn;
    if (set.endpoints().isEmpty()) {
      explain(mine);
    } else if (EndpointAddresses.areLiteral(set)) {
      deliver(EndpointAddresses.of(set));
    } else {
      offload.execute(() -> {
        EndpointAddresses found = EndpointAddresses.of(set);
        context.execute(() -> {
          if (mine == turn) {
            deliver(found);
          }
        });
      });
    }
  }

  private void deliver(EndpointAddresses found) {
    if (shutdown) {
      return;
    }
    for (String skipped : found.skipped()) {
      logger.log(ChannelLogLevel.WARNING, skipped);
    }
    if (found.addresses().isEmpty()) {
      deliver(List.of(), Status.UNAVAILABLE.withDescription(String.join("; ", found.skipped())));
      return;
    }
    List<EquivalentAddressGroup> groups = new ArrayList<>();
    Map<Object, String> expected = new HashMap<>();
    found
        .addresses()
        .forEach((address, endpoint) -> {
          String authority = binding.authority(endpoint);
          expected.put(address, authority);
          groups.add(
              new EquivalentAddressGroup(
                  address,
                  Attributes.newBuilder()
                      .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, authority)
                      .set(
                          EquivalentAddressGroup.ATTR_LOCALITY_NAME,
                          endpoint.identity().datacenter() + "/" + endpoint.node())
                      .set(MeshEndpoint.ENDPOINT, endpoint)
                      .set(MeshEndpoint.WEIGHT, endpoint.weight())
                      .build()));
        });
    // Balancers know a connection by its address: where that belongs to another service now, they
    // would go on with the one that they have.
    boolean moved =
        authorities.entrySet().stream()
            .anyMatch(held -> {
              String now = expected.get(held.getKey());
              return now != null && !now.equals(held.getValue());
            });
    boolean otherKind = binding.unixSockets(found.unix());
    if (moved || otherKind) {
      revision++;
    }
    authorities = expected;
    deliver(groups, null);
  }

  private void deliver(List<EquivalentAddressGroup> groups, @Nullable Status reason) {
    Listener2 hearer = listener;
    if (shutdown || hearer == null) {
      return;
    }
    endPatience();
    Attributes.Builder attributes =
        Attributes.newBuilder()
            .set(Epoch.KEY, new Epoch(mesh.trustGeneration(), revision, attempt));
    if (reason != null) {
      attributes.set(Epoch.REASON, reason);
    }
    hearer.onResult2(
        ResolutionResult.newBuilder()
            .setAddressesOrError(StatusOr.fromValue(groups))
            .setAttributes(attributes.build())
            .build());
  }

  /** Neither an identity nor endpoints came, or the client was closed. */
  private void explainEmptiness() {
    EndpointSet set = endpoints;
    if (!shutdown && (set == null || set.endpoints().isEmpty() || mesh.trustGeneration() == 0)) {
      explain(++turn);
    }
  }

  /** Why there is no endpoint, in the words that a dial would have for it. */
  private void explain(long mine) {
    offload.execute(() -> {
      Status reason;
      try {
        mesh.endpointPool(binding.destination(), Duration.ZERO);
        return; // there are some by now, and the watch tells which
      } catch (MeshException e) {
        reason = Status.UNAVAILABLE.withDescription(e.getMessage()).withCause(e);
      } catch (IOException | RuntimeException e) {
        reason =
            Status.UNAVAILABLE
                .withDescription(
                    "expected an endpoint of " + binding.destination() + ", found: " + e)
                .withCause(e);
      }
      Status told = reason;
      context.execute(() -> {
        if (mine == turn) {
          deliver(List.of(), told);
        }
      });
    });
  }

  private void endPatience() {
    ScheduledHandle waiting = patience;
    patience = null;
    if (waiting != null) {
      waiting.cancel();
    }
  }

  @Override
  public void shutdown() {
    shutdown = true;
    subscriptions.forEach(Subscription::close);
    subscriptions.clear();
    retirement.close();
    endPatience();
  }
}
