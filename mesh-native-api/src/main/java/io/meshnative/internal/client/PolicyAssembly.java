package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.StalePolicy;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
  private final StateBoard states;
  private final Consumer<MeshEvent> events;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable IntentionUpdate held;

  /**
   * How long no answer has come, as far as the timer has seen: a clock set back takes none of it.
   */
  private Duration unanswered = Duration.ZERO;

  private Instant lastLook = Instant.MIN;
  private boolean failing;
  private boolean tooOld;
  private long version;

  PolicyAssembly(
      Intention.Destination self,
      Publisher publisher,
      StalePolicy stalePolicy,
      Clock clock,
      StateBoard states,
      Consumer<MeshEvent> events) {
    this.self = self;
    this.publisher = publisher;
    this.stalePolicy = stalePolicy;
    this.clock = clock;
    this.states = states;
    this.events = events;
  }

  @Override
  public void accept(IntentionUpdate update) {
    lock.lock();
    try {
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
        unanswered = Duration.ZERO;
        lastLook = clock.instant();
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
      Instant now = clock.instant();
      if (now.isAfter(lastLook)) {
        unanswered = unanswered.plus(Duration.between(lastLook, now));
      }
      lastLook = now;
      if (unanswered.compareTo(limit) <= 0) {
        return null;
      }
      String why =
          "the control plane has not told the intentions for longer than "
              + limit
              + " (stale policy)";
      if (!tooOld) {
        tooOld = true;
        version++;
        publisher.policy(PolicyVersion.denyAll(version, why));
        events.accept(
            new MeshEvent.PolicyChanged(
                clock.instant(), version, 0, DefaultDecision.UNKNOWN, java.util.Optional.of(why)));
      }
      return why;
    } finally {
      lock.unlock();
    }
  }

  private void publish(IntentionUpdate update) {
    version++;
    IntentionTable table = IntentionTable.compile(self, update.inbound(), update.defaultDecision());
    publisher.policy(PolicyVersion.of(version, table, update.outbound(), update.defaultDecision()));
    states.holds(StateBoard.Need.POLICY);
    events.accept(
        new MeshEvent.PolicyChanged(
            clock.instant(), version, table.size(), update.defaultDecision(), table.defect()));
  }
}
