package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.Subscription;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** The last rotations of a client's leaf and roots, from the moment on when this was made. */
final class RotationHistory implements AutoCloseable {
  static final int MAX = 20;

  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<MeshEvent.TrustChanged> last = new ArrayDeque<>();
  private final Subscription subscription;

  RotationHistory(MeshClient mesh) {
    subscription = mesh.subscribe(this::heard);
  }

  private void heard(MeshEvent event) {
    if (event instanceof MeshEvent.TrustChanged changed) {
      lock.lock();
      try {
        last.addFirst(changed);
        if (last.size() > MAX) {
          last.removeLast();
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /** The newest first. */
  List<MeshEvent.TrustChanged> rotations() {
    lock.lock();
    try {
      return new ArrayList<>(last);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    subscription.close();
  }
}
