package io.meshnative.internal.client;

import io.meshnative.AuditSink;
import io.meshnative.ControlPlaneException;
import io.meshnative.MeshClient;
import io.meshnative.MeshListener;
import io.meshnative.RetirePolicy;
import io.meshnative.StalePolicy;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.internal.consul.ConsulControlPlane;
import io.meshnative.internal.tls.Providers;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.Registrar;
import io.meshnative.spi.TlsProvider;
import io.meshnative.spi.TrustSource;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/** Collects the settings, refuses contradictions, starts the client. */
final class ClientBuilder implements MeshClient.Builder {
  private final String service;
  private final Set<String> given = new HashSet<>();
  private final List<MeshListener> listeners = new ArrayList<>();
  private @Nullable ConsulConfig consul;
  private @Nullable ControlPlane controlPlane;
  private @Nullable IdentitySource identity;
  private @Nullable TrustSource trust;
  private @Nullable IntentionSource intentions;
  private @Nullable EndpointSource endpoints;
  private @Nullable Registration registration;
  private StalePolicy stalePolicy = StalePolicy.untilIdentityEnds();
  private RetirePolicy retirePolicy = RetirePolicy.defaults();
  private boolean inboundTls12 = true;
  private boolean outboundTls12;
  private @Nullable Boolean resumption;
  private @Nullable TlsProvider tlsProvider;
  private Clock clock = Clock.systemUTC();
  private @Nullable AuditSink audit;
  private @Nullable ScheduledExecutorService scheduler;
  private @Nullable Executor executor;

  ClientBuilder(String service) {
    this.service = Destination.parse(service).service();
  }

  private void once(String setting) {
    if (!given.add(setting)) {
      throw new IllegalStateException(
          "expected " + setting + " to be set once, found it set twice");
    }
  }

  @Override
  public MeshClient.Builder consul(ConsulConfig config) {
    once("consul");
    consul = Objects.requireNonNull(config, "config");
    return this;
  }

  @Override
  public MeshClient.Builder controlPlane(ControlPlane plane) {
    once("controlPlane");
    controlPlane = Objects.requireNonNull(plane, "controlPlane");
    return this;
  }

  @Override
  public MeshClient.Builder identitySource(IdentitySource source) {
    once("identitySource");
    identity = Objects.requireNonNull(source, "source");
    return this;
  }

  @Override
  public MeshClient.Builder trustSource(TrustSource source) {
    once("trustSource");
    trust = Objects.requireNonNull(source, "source");
    return this;
  }

  @Override
  public MeshClient.Builder intentionSource(IntentionSource source) {
    once("intentionSource");
    intentions = Objects.requireNonNull(source, "source");
    return this;
  }

  @Override
  public MeshClient.Builder endpointSource(EndpointSource source) {
    once("endpointSource");
    endpoints = Objects.requireNonNull(source, "source");
    return this;
  }

  @Override
  public MeshClient.Builder register(Registration entry) {
    once("register");
    registration = Objects.requireNonNull(entry, "registration");
    return this;
  }

  @Override
  public MeshClient.Builder stalePolicy(StalePolicy policy) {
    once("stalePolicy");
    stalePolicy = Objects.requireNonNull(policy, "policy");
    return this;
  }

  @Override
  public MeshClient.Builder retirePolicy(RetirePolicy policy) {
    once("retirePolicy");
    retirePolicy = Objects.requireNonNull(policy, "policy");
    return this;
  }

  @Override
  public MeshClient.Builder tls12(boolean inbound, boolean outbound) {
    once("tls12");
    inboundTls12 = inbound;
    outboundTls12 = outbound;
    return this;
  }

  @Override
  public MeshClient.Builder sessionResumption(boolean on) {
    once("sessionResumption");
    resumption = on;
    return this;
  }

  @Override
  public MeshClient.Builder tlsProvider(TlsProvider provider) {
    once("tlsProvider");
    tlsProvider = Objects.requireNonNull(provider, "provider");
    return this;
  }

  @Override
  public MeshClient.Builder clock(Clock newClock) {
    once("clock");
    clock = Objects.requireNonNull(newClock, "clock");
    return this;
  }

  @Override
  public MeshClient.Builder scheduler(ScheduledExecutorService newScheduler) {
    once("scheduler");
    scheduler = Objects.requireNonNull(newScheduler, "scheduler");
    return this;
  }

  @Override
  public MeshClient.Builder executor(Executor newExecutor) {
    once("executor");
    executor = Objects.requireNonNull(newExecutor, "executor");
    return this;
  }

  @Override
  public MeshClient.Builder listener(MeshListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  @Override
  public MeshClient.Builder auditSink(AuditSink sink) {
    once("auditSink");
    audit = Objects.requireNonNull(sink, "sink");
    return this;
  }

  @Override
  public MeshClient build() {
    once("build");
    Providers.requireSoundSignatures();
    TlsProvider tls = tlsProvider == null ? Providers.preferred() : tlsProvider;
    Sources sources = sources();
    if (registration != null && sources.registrar().isEmpty()) {
      sources.close().run();
      throw new IllegalStateException(
          "expected a control plane that can register the service, found one that cannot: leave register(…) out");
    }
    InProcessMeshClient client =
        new InProcessMeshClient(
            service,
            sources,
            Optional.ofNullable(registration),
            new InProcessMeshClient.Settings(
                stalePolicy,
                retirePolicy,
                tls,
                inboundTls12,
                outboundTls12,
                resumption == null ? tls.resumesByDefault() : resumption,
                clock),
            new Workers(service, executor, scheduler),
            listeners,
            Optional.ofNullable(audit));
    client.start();
    return client;
  }

  /** One control plane, or four sources; never a bit of both. */
  private Sources sources() {
    int singles = 0;
    for (Object single : new @Nullable Object[] {identity, trust, intentions, endpoints}) {
      singles += single == null ? 0 : 1;
    }
    int ways = (consul == null ? 0 : 1) + (controlPlane == null ? 0 : 1) + (singles == 0 ? 0 : 1);
    if (ways > 1) {
      throw new IllegalStateException(
          "expected one of consul(…), controlPlane(…) or the four sources one by one, found "
              + given);
    }
    if (identity != null && trust != null && intentions != null && endpoints != null) {
      return Sources.of(identity, trust, intentions, endpoints);
    }
    if (singles > 0) {
      throw new IllegalStateException(
          "expected all of identitySource, trustSource, intentionSource and endpointSource, found "
              + given);
    }
    if (controlPlane != null) {
      return Sources.of(controlPlane, "default", "default");
    }
    ConsulConfig config = consul == null ? ConsulConfig.fromEnvironment() : consul;
    ControlPlane agent;
    try {
      agent = ConsulControlPlane.open(config, service);
    } catch (ControlPlaneException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    return Sources.of(
        agent, config.namespace().orElse("default"), config.partition().orElse("default"));
  }

  /** What the client is made of, and how to close it. */
  record Sources(
      IdentitySource identity,
      TrustSource trust,
      IntentionSource intentions,
      EndpointSource endpoints,
      Optional<Registrar> registrar,
      String namespace,
      String partition,
      String description,
      Runnable close) {

    static Sources of(ControlPlane plane, String namespace, String partition) {
      return new Sources(
          plane.identity(),
          plane.trust(),
          plane.intentions(),
          plane.endpoints(),
          plane.registrar(),
          namespace,
          partition,
          plane.toString(),
          plane::close);
    }

    static Sources of(
        IdentitySource identity,
        TrustSource trust,
        IntentionSource intentions,
        EndpointSource endpoints) {
      return new Sources(
          identity,
          trust,
          intentions,
          endpoints,
          Optional.empty(),
          "default",
          "default",
          identity + ", " + trust + ", " + intentions + ", " + endpoints,
          () ->
              closeAll(
                  List.of(endpoints::close, intentions::close, identity::close, trust::close)));
    }

    /** All of them, though one fails. */
    private static void closeAll(List<Runnable> closes) {
      RuntimeException failure = null;
      for (Runnable close : closes) {
        try {
          close.run();
        } catch (RuntimeException e) {
          failure = e;
        }
      }
      if (failure != null) {
        throw failure;
      }
    }
  }
}
