package io.meshnative.spring.boot;

import io.meshnative.CatalogEntry;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationEvent;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.event.GenericApplicationListener;
import org.springframework.core.ResolvableType;

/**
 * Keeps the application in the catalog while its web server takes traffic: entered when the server
 * listens, reported as ready or not by the application's readiness, hidden before the server stops
 * to accept.
 */
final class MeshRegistration implements GenericApplicationListener, SmartLifecycle {
  /** Stopped before the web server's graceful shutdown begins, which has a lower phase. */
  private static final int PHASE = SmartLifecycle.DEFAULT_PHASE;

  private final MeshClient client;
  private final MeshProperties.Register properties;
  private final Duration drain;
  private final List<MeshServerPort> servers;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable CatalogEntry entry;
  private boolean hidden;

  private volatile boolean running;
  private volatile ReadinessState readiness = ReadinessState.REFUSING_TRAFFIC;

  MeshRegistration(
      MeshClient client,
      MeshProperties.Register properties,
      Duration drain,
      List<MeshServerPort> servers) {
    this.servers = List.copyOf(servers);
    this.client = client;
    this.properties = properties;
    this.drain = drain;
  }

  @Override
  public boolean supportsEventType(ResolvableType type) {
    return type.isAssignableFrom(WebServerInitializedEvent.class)
        || WebServerInitializedEvent.class.isAssignableFrom(type.toClass())
        || AvailabilityChangeEvent.class.isAssignableFrom(type.toClass());
  }

  @Override
  public void onApplicationEvent(ApplicationEvent event) {
    if (event instanceof WebServerInitializedEvent server
        && server.getApplicationContext().getServerNamespace() == null) {
      enter(server.getWebServer().getPort());
    } else if (event instanceof AvailabilityChangeEvent<?> change
        && change.getState() instanceof ReadinessState state) {
      readiness = state;
      report();
    }
  }

  private void enter(int serverPort) {
    lock.lock();
    try {
      if (entry != null && !hidden) {
        return;
      }
      leave(); // it was stopped, and its server listens again
      Registration registration =
          Registration.of(port(serverPort))
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

  private void leave() {
    CatalogEntry old = entry;
    entry = null;
    hidden = false;
    if (old != null) {
      old.close();
    }
  }

  private int port(int serverPort) {
    Integer wanted = properties.port();
    return wanted != null ? wanted : MeshServerPort.listening(servers).orElse(serverPort);
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
  }

  @Override
  public void stop(Runnable done) {
    running = false;
    Thread leaver =
        new Thread(
            () -> {
              try {
                if (hide()) {
                  awaitWatchers();
                }
              } finally {
                done.run();
              }
            },
            "mesh-" + client.service() + "-leave");
    leaver.setDaemon(true);
    leaver.start();
  }

  private boolean hide() {
    lock.lock();
    try {
      hidden = true;
      return entry != null && entry.hide();
    } finally {
      lock.unlock();
    }
  }

  /** Those who watch the catalog are told within a moment; until then they still come. */
  private void awaitWatchers() {
    try {
      Thread.sleep(drain.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
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
