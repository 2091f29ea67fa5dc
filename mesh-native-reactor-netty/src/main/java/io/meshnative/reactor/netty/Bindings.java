package io.meshnative.reactor.netty;

import io.meshnative.RequestGate;
import java.util.concurrent.locks.ReentrantLock;

/** How many servers are bound: the gate is open while there is one. */
final class Bindings {
  private final RequestGate gate;
  private final ReentrantLock lock = new ReentrantLock();
  private int bound;

  Bindings(RequestGate gate) {
    this.gate = gate;
  }

  /** Before the first connection can come. A server that fails to bind after it has none. */
  void arm() {
    lock.lock();
    try {
      gate.arm();
    } finally {
      lock.unlock();
    }
  }

  void bound() {
    lock.lock();
    try {
      bound++;
    } finally {
      lock.unlock();
    }
  }

  void unbound() {
    lock.lock();
    try {
      bound--;
      if (bound <= 0) {
        gate.disarm();
      }
    } finally {
      lock.unlock();
    }
  }

  boolean isArmed() {
    lock.lock();
    try {
      return bound > 0 && gate.isArmed();
    } finally {
      lock.unlock();
    }
  }
}
