package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshSnapshot;
import io.meshnative.MeshState;
import io.meshnative.internal.flight.OneLine;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Where the client stands, worked out from what is held and which sources fail. */
final class StateBoard {

  /** What has to be there before the client is ready. */
  enum Need {
    IDENTITY("an identity"),
    TRUST("roots"),
    POLICY("intentions");

    private final String text;

    Need(String text) {
      this.text = text;
    }
  }

  private final String service;
  private final String controlPlane;
  private final Clock clock;
  private final Consumer<MeshEvent> events;
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Need> missing = EnumSet.allOf(Need.class);

  /** In the order in which they began to fail. */
  private final Map<String, Failure> failing = new LinkedHashMap<>();

  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private @Nullable Instant lastAnswer;
  private @Nullable String expired;
  private boolean closed;
  private volatile MeshState state = MeshState.STARTING;

  private record Failure(Instant since, IOException cause) {}

  StateBoard(String service, String controlPlane, Clock clock, Consumer<MeshEvent> events) {
    this.service = service;
    this.controlPlane = controlPlane;
    this.clock = clock;
    this.events = events;
  }

  MeshState state() {
    return state;
  }

  CompletableFuture<Void> ready() {
    return ready;
  }

  /**
   * Something that was needed is there, by an answer of this source, which has recovered with it:
   * in one step, so that nobody who waited for it meets a client that is stale for a moment.
   */
  void holds(Need need, String source) {
    boolean[] first = {false};
    change(
        () -> {
          first[0] = missing.remove(need);
          recover(source);
        },
        () -> first[0] ? "it has " + need.text : source + " answers again");
  }

  /** Under the lock. */
  private void recover(String source) {
    lastAnswer = clock.instant();
    if (failing.remove(source) != null) {
      events.accept(new MeshEvent.ControlPlaneRecovered(clock.instant(), source));
    }
  }

  void failed(String source, IOException cause) {
    boolean news;
    lock.lock();
    try {
      Failure before = failing.get(source);
      failing.put(source, new Failure(before == null ? clock.instant() : before.since(), cause));
      // Once an agent that was away answers nonsense, "is it running" is no help any more.
      news = before == null || !Objects.equals(before.cause().getMessage(), cause.getMessage());
    } finally {
      lock.unlock();
    }
    if (news) {
      events.accept(new MeshEvent.ControlPlaneFailed(clock.instant(), source, cause));
    }
    change(() -> {}, () -> source + ": " + cause.getMessage());
  }

  void answered(String source) {
    change(() -> recover(source), () -> source + " answers again");
  }

  /** Sets why everything is denied, or null when nothing has ended. */
  void expired(@Nullable String why) {
    change(() -> expired = why, () -> why == null ? "identity and policy are live again" : why);
  }

  void close() {
    change(() -> closed = true, () -> "closed");
    ready.completeExceptionally(
        new MeshNotReadyException(
            "the mesh client of " + service + " was closed before it was ready", null));
  }

  private void change(Runnable mutation, Supplier<String> reason) {
    MeshState from;
    MeshState to;
    lock.lock();
    try {
      mutation.run();
      from = state;
      to = current();
      state = to;
      if (from != to) {
        // Under the lock, so that the last event that is delivered tells the state that holds.
        events.accept(new MeshEvent.StateChanged(clock.instant(), from, to, reason.get()));
      }
    } finally {
      lock.unlock();
    }
    if (to == MeshState.READY || to == MeshState.STALE) {
      ready.complete(null);
    }
  }

  MeshSnapshot.Contact contact() {
    lock.lock();
    try {
      List<MeshSnapshot.Failing> now = new ArrayList<>();
      failing.forEach((source, failure) ->
          now.add(
              new MeshSnapshot.Failing(
                  source, failure.since(), OneLine.of(failure.cause().getMessage()))));
      return new MeshSnapshot.Contact(Optional.ofNullable(lastAnswer), now);
    } finally {
      lock.unlock();
    }
  }

  private MeshState current() {
    if (closed) {
      return MeshState.CLOSED;
    }
    if (!missing.isEmpty()) {
      return MeshState.STARTING;
    }
    if (expired != null) {
      return MeshState.EXPIRED;
    }
    return failing.isEmpty() ? MeshState.READY : MeshState.STALE;
  }

  void await(Duration timeout) throws MeshNotReadyException, InterruptedException {
    try {
      ready.get(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS); // saturates
    } catch (TimeoutException e) {
      throw notReady("after " + timeout);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof MeshNotReadyException notReady) {
        throw notReady;
      }
      throw new MeshNotReadyException(
          "the mesh client of " + service + " cannot become ready", e.getCause());
    }
    if (state == MeshState.CLOSED) {
      throw new MeshNotReadyException("the mesh client of " + service + " is closed", null);
    }
  }

  MeshNotReadyException notReady(String when) {
    List<String> waiting = new ArrayList<>();
    IOException last = null;
    String source = null;
    lock.lock();
    try {
      missing.forEach(need -> waiting.add(need.text));
      for (Map.Entry<String, Failure> entry : failing.entrySet()) {
        source = entry.getKey();
        last = entry.getValue().cause();
      }
    } finally {
      lock.unlock();
    }
    return new MeshNotReadyException(
        "expected the mesh client of "
            + service
            + " to be ready "
            + when
            + ", found it "
            + state
            + (waiting.isEmpty() ? "" : " and waiting for " + String.join(", ", waiting))
            + " from "
            + controlPlane
            + (last == null
                ? "; there is no error so far: is the control plane reachable at that address?"
                : "; last error (" + source + "): " + last.getMessage()),
        last);
  }
}
