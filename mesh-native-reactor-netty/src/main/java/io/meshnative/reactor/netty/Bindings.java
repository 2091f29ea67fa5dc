package io.meshnative.reactor.netty;

import io.meshnative.RequestGate;
import java.util.concurrent.locks.ReentrantLock;

/** How many servers are bound, or about to be: the gate is open while there is one. */
final class Bindings {
  private final RequestGate gate;
  private final ReentrantLock lock = new ReentrantLock();
  private int count;

  Bindings(RequestGate gate) {
    this.gate = gate;
  }

  /** Before the first connection can come. One that fails to bind has none, and stays counted. */
  void binding() {
    lock.lock();
    try {
      count++;
      gate.arm();
    } finally {
      lock.unlock();
    }
  }

  void unbound() {
    lock.lock();
    try {
      count--;
      if (count <= 0) {
        gate.disarm();
      }
    } finally {
      lock.unlock();
    }
  }

  boolean isArmed() {
    return gate.isArmed();
  }
}
