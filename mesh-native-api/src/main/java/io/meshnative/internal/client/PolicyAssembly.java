package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.StalePolicy;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.flight.Flight;
import io.meshnative.internal.flight.PolicyChangeEvent;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes policy versions from what the intention source pushes, at once, whatever the trust epoch;
 * and takes the right away when the last answer is older than the stale policy allows.
 */
final class PolicyAssembly implements Sink<IntentionUpdate> {
  private static final String INTENTIONS = "intentions";

  private final Intention.Destination self;
  private final Publisher publisher;
  private final StalePolicy stalePolicy;
  private final Clock clock;
  private final LongSupplier nanoTime;
  private final StateBoard states;
  private final Consumer<MeshEvent> events;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable IntentionUpdate held;
  private Instant lastAnswer = Instant.MIN;
  private long lastAnswerNanos;
  private boolean failing;
  private boolean tooOld;
  private long version;

  PolicyAssembly(
      Intention.Destination self,
      Publisher publisher,
      StalePolicy stalePolicy,
      Clock clock,
      LongSupplier nanoTime,
      StateBoard states,
      Consumer<MeshEvent> events) {
    this.self = self;
    this.publisher = publisher;
    this.stalePolicy = stalePolicy;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.states = states;
    this.events = events;
  }

  @Override
  public void accept(IntentionUpdate update) {
    lock.lock();
    try {
      answered();
      failing = false;
      boolean again = !tooOld && Objects.equals(update, held);
      if (!again) {
        held = update;
        tooOld = false;
        publish(update);
      }
    } finally {
      lock.unlock();
    }
    states.answered(INTENTIONS);
  }

  @Override
  public void failed(IOException cause) {
    lock.lock();
    try {
      if (!failing) {
        failing = true;
        // A blocking query that waits is an answer too: the time without one starts here.
        answered();
      }
    } finally {
      lock.unlock();
    }
    states.failed(INTENTIONS, cause);
  }

  @Override
  public void warning(String message) {
    events.accept(new MeshEvent.Warning(clock.instant(), INTENTIONS, message));
  }

  /** Called by a timer. Returns why everything is denied, null if the policy still serves. */
  @Nullable String tick() {
    lock.lock();
    try {
      Duration limit = stalePolicy.limit().orElse(null);
      if (limit == null || held == null || !failing) {
        return null;
      }
      if (!tooOld && !isOver(limit)) {
        return null;
      }
      String why =
          "the control plane has not told the intentions for longer than "
              + limit
              + " (stale policy)";
      if (!tooOld) {
        tooOld = true;
        PolicyChangeEvent recording = Flight.policyChange();
        version++;
        publisher.policy(PolicyVersion.denyAll(version, why));
        tell(recording, 0, DefaultDecision.UNKNOWN, Optional.of(why));
      }
      return why;
    } finally {
      lock.unlock();
    }
  }

  private void answered() {
    lastAnswer = clock.instant();
    lastAnswerNanos = nanoTime.getAsLong();
  }

  /**
   * By the wall clock, which goes on while the machine sleeps, or by the monotonic one, which
   * nobody sets back: whichever has gone further.
   */
  private boolean isOver(Duration limit) {
    return clock.instant().isAfter(lastAnswer.plus(limit))
        || Duration.ofNanos(nanoTime.getAsLong() - lastAnswerNanos).compareTo(limit) > 0;
  }

  private void publish(IntentionUpdate update) {
    PolicyChangeEvent recording = Flight.policyChange();
    version++;
    IntentionTable table = IntentionTable.compile(self, update.inbound(), update.defaultDecision());
    publisher.policy(PolicyVersion.of(version, table, update));
    tell(recording, table.size(), update.defaultDecision(), table.defect());
    states.holds(StateBoard.Need.POLICY, INTENTIONS); // told after what makes the client ready
  }

  private void tell(
      @Nullable PolicyChangeEvent recording,
      int inbound,
      DefaultDecision otherwise,
      Optional<String> defect) {
    events.accept(
        new MeshEvent.PolicyChanged(clock.instant(), version, inbound, otherwise, defect));
    if (recording != null) {
      recording.end(self.name(), version, inbound, otherwise.name(), defect.orElse(null));
    }
  }
}
