package io.meshnative.testkit.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** Which of the faults on the wire are on. Thread-safe. */
public final class FaultSwitches {
  /** An answer in place of the real one. */
  public record CannedStatus(String pathPrefix, int status, String text) {}

  /** Neither JSON nor anything else. */
  static final String GARBAGE = "\u0000\u0001<html>}{ not what you asked for";

  private final List<CannedStatus> statuses = new CopyOnWriteArrayList<>();
  private final AtomicLong backwards = new AtomicLong();
  volatile boolean hanging;
  volatile Duration delay = Duration.ZERO;
  volatile boolean truncating;
  volatile boolean garbling;
  volatile Duration dripPause = Duration.ZERO;
  volatile boolean leaderless;
  volatile boolean rateLimited;
  volatile boolean signingLimited;
  volatile boolean reconfiguring;
  private volatile boolean fallingIndex;

  /** Answers nothing, however long it takes. */
  public void hang(boolean on) {
    hanging = on;
  }

  public void delay(Duration value) {
    delay = value;
  }

  public void truncate(boolean on) {
    truncating = on;
  }

  /** Puts something else in the place of every body. */
  public void garble(boolean on) {
    garbling = on;
  }

  /** Writes bodies one byte at a time, with a pause before each; zero ends it. */
  public void drip(Duration pause) {
    dripPause = pause;
  }

  /** The servers have no leader. */
  public void leaderless(boolean on) {
    leaderless = on;
  }

  /** The agent's limit of calls to the servers is used up. */
  public void rateLimited(boolean on) {
    rateLimited = on;
  }

  /** The CA's limit of signatures is used up. */
  public void signingLimited(boolean on) {
    signingLimited = on;
  }

  /** The CA is busy with a change of its configuration. */
  public void reconfiguring(boolean on) {
    reconfiguring = on;
  }

  public void fallingIndex(boolean on) {
    backwards.set(0);
    fallingIndex = on;
  }

  public void addStatus(CannedStatus status) {
    removeStatus(status.pathPrefix());
    statuses.add(status);
  }

  public void removeStatus(String pathPrefix) {
    statuses.removeIf(status -> status.pathPrefix().equals(pathPrefix));
  }

  public void clearStatuses() {
    statuses.clear();
  }

  Optional<CannedStatus> statusFor(String path) {
    return new ArrayList<>(statuses)
        .stream().filter(status -> path.startsWith(status.pathPrefix())).findFirst();
  }

  /** The index to show: the true one, or one that falls with every answer. */
  long shown(long index) {
    return fallingIndex ? Math.max(1, index / 2 - backwards.incrementAndGet()) : index;
  }
}
