package io.meshnative.reactor.netty;

import io.meshnative.RequestGate;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The gate of servers, open as long as somebody needs it: each server until it is unbound, and each
 * connection until it has ended. A server that stops lets run what runs, when it does not accept
 * any more; were the gate closed by then, it would be cut.
 */
final class OpenGate {
  private final RequestGate gate;
  private final ReentrantLock lock = new ReentrantLock();
  private int needed;

  OpenGate(RequestGate gate) {
    this.gate = gate;
  }

  /** A server, before its first connection can come. One that fails to bind stays counted. */
  void binding() {
    lock.lock();
    try {
      needed++;
      gate.arm();
    } finally {
      lock.unlock();
    }
  }

  /** A connection, which needs the gate as it is. */
  void enter() {
    lock.lock();
    try {
      needed++;
    } finally {
      lock.unlock();
    }
  }

  /** A server or a connection that has ended. */
  void leave() {
    lock.lock();
    try {
      needed--;
      if (needed <= 0) {
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
