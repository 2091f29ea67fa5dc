package io.meshnative.internal.client;

import io.meshnative.CatalogEntry;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The one entry of the service in the catalog, whether given to the builder or made later. */
final class Membership {
  private final String service;
  private final Optional<Registrar> registrar;
  private final Workers workers;
  private final Clock clock;
  private final Events events;
  private final StateBoard states;
  private final AtomicReference<@Nullable Enrolment> entry = new AtomicReference<>();

  /** Of the first listener; 0 before there is one. */
  private final AtomicInteger firstPort = new AtomicInteger();

  Membership(
      String service,
      Optional<Registrar> registrar,
      Workers workers,
      Clock clock,
      Events events,
      StateBoard states) {
    this.service = service;
    this.registrar = registrar;
    this.workers = workers;
    this.clock = clock;
    this.events = events;
    this.states = states;
  }

  void start() {
    events.subscribe(event -> {
      if (event instanceof MeshEvent.StateChanged) {
        with(Enrolment::stateChanged);
      }
    });
  }

  /**
   * Makes the entry.
   *
   * @throws IllegalStateException if there is one, or the control plane knows none
   */
  CatalogEntry enter(Registration registration) {
    Objects.requireNonNull(registration, "registration");
    Registrar catalog =
        registrar.orElseThrow(() ->
            new IllegalStateException(
                "expected a control plane that services can be entered into, found none for "
                    + service
                    + "; use Consul, or a ControlPlane with a registrar"));
    Supplier<MeshState> state = states::state;
    Enrolment made = new Enrolment(catalog, registration, workers, clock, events, state);
    if (!entry.compareAndSet(null, made)) {
      throw new IllegalStateException(
          "expected "
              + service
              + " to be in the catalog once, found that it is entered already; close that entry"
              + " first");
    }
    if (firstPort.get() != 0) {
      made.listening(firstPort.get());
    }
    states.ready().thenRun(made::ready);
    return new Entry(made);
  }

  void listening(int port) {
    firstPort.compareAndSet(0, port);
    with(enrolment -> enrolment.listening(port));
  }

  boolean hide() {
    Enrolment now = entry.get();
    return now != null && now.hide();
  }

  void end() {
    with(Enrolment::end);
  }

  private void with(Consumer<Enrolment> task) {
    Enrolment now = entry.get();
    if (now != null) {
      task.accept(now);
    }
  }

  private final class Entry implements CatalogEntry {
    private final Enrolment enrolment;

    Entry(Enrolment enrolment) {
      this.enrolment = enrolment;
    }

    @Override
    public void report(Check.Status status, String note) {
      enrolment.report(status, note);
    }

    @Override
    public boolean hide() {
      return enrolment.hide();
    }

    @Override
    public void close() {
      enrolment.end();
      entry.compareAndSet(enrolment, null);
    }

    @Override
    public String toString() {
      return "CatalogEntry[" + service + "]";
    }
  }
}
