package io.meshnative.spring.boot;

import io.meshnative.CatalogEntry;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.ApplicationListener;
import org.springframework.context.SmartLifecycle;

/**
 * Keeps the application in the catalog while its servers take traffic: entered when all of them
 * listen, reported as ready or not by the application's readiness, hidden before they stop to
 * accept.
 */
final class MeshRegistration
    implements ApplicationListener<AvailabilityChangeEvent<?>>, SmartLifecycle {
  /** Started after the servers, and stopped before their graceful shutdown begins. */
  private static final int PHASE = SmartLifecycle.DEFAULT_PHASE;

  private final MeshClient client;
  private final MeshProperties.Register properties;
  private final Duration drain;
  private final ObjectProvider<MeshServerPort> servers;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable CatalogEntry entry;

  private volatile boolean left;
  private volatile boolean running;
  private volatile @Nullable Integer webServer;
  private volatile ReadinessState readiness = ReadinessState.REFUSING_TRAFFIC;

  MeshRegistration(
      MeshClient client,
      MeshProperties.Register properties,
      Duration drain,
      ObjectProvider<MeshServerPort> servers) {
    this.servers = servers;
    this.client = client;
    this.properties = properties;
    this.drain = drain;
  }

  @Override
  public void onApplicationEvent(AvailabilityChangeEvent<?> change) {
    if (change.getState() instanceof ReadinessState state) {
      readiness = state;
      report();
    }
  }

  /** The application's web server, in the mesh or not, listens. */
  void webServer(int port) {
    webServer = port;
  }

  private void enter(int port) {
    lock.lock();
    try {
      if (entry != null && !left) {
        return;
      }
      if (entry != null) {
        // A context that was stopped starts again, perhaps on another port.
        entry.close();
      }
      left = false;
      Registration registration =
          Registration.of(port)
              .withTags(properties.tags().toArray(String[]::new))
              .withMeta(properties.meta())
              .withChecks(Check.ttl(properties.ttl()));
      if (properties.id() != null) {
        registration = registration.withId(properties.id());
      }
      if (properties.address() != null) {
        registration = registration.withAddress(properties.address());
      }
      entry = client.register(registration);
    } finally {
      lock.unlock();
    }
    report();
  }

  /** That of the properties, of a server of the mesh, or of the web server; else there is none. */
  private OptionalInt port() {
    Integer wanted = properties.port();
    if (wanted != null) {
      return OptionalInt.of(wanted);
    }
    OptionalInt mesh = MeshServerPort.listening(servers.orderedStream().toList());
    Integer web = webServer;
    return mesh.isPresent() || web == null ? mesh : OptionalInt.of(web);
  }

  private void report() {
    current()
        .ifPresent(now -> {
          boolean ready = readiness == ReadinessState.ACCEPTING_TRAFFIC;
          now.report(
              ready ? Check.Status.PASSING : Check.Status.CRITICAL,
              "the application is " + readiness);
        });
  }

  private Optional<CatalogEntry> current() {
    lock.lock();
    try {
      return Optional.ofNullable(entry);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void start() {
    running = true;
    port().ifPresent(this::enter);
  }

  /** Does not block: the catalog is told, and watchers waited for, on a thread of its own. */
  @Override
  public void stop(Runnable done) {
    running = false;
    Executor leaver = this::onThreadOfItsOwn;
    leaver.execute(() -> {
      boolean awaited = false;
      try {
        awaited = hide();
      } finally {
        // Those who watch the catalog are told within a moment; until then they still come.
        Executor after =
            awaited
                ? CompletableFuture.delayedExecutor(drain.toNanos(), TimeUnit.NANOSECONDS, leaver)
                : Runnable::run;
        after.execute(done);
      }
    });
  }

  private boolean hide() {
    Optional<CatalogEntry> hidden = current();
    left = true;
    return hidden.map(CatalogEntry::hide).orElse(false);
  }

  private void onThreadOfItsOwn(Runnable task) {
    Thread thread = new Thread(task, "mesh-" + client.service() + "-leave");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void stop() {
    stop(() -> {});
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  /** A web server goes on while its context is paused, as those of tests are between classes. */
  @Override
  public boolean isPauseable() {
    return false;
  }

  @Override
  public int getPhase() {
    return PHASE;
  }
}
