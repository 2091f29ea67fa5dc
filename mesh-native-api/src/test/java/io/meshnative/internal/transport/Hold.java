package io.meshnative.internal.transport;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Holds the first thread that comes to a chosen moment, until it is let go. */
final class Hold implements Moment.Observer {
  private static final long GUARD_SECONDS = 60;

  private record Place(Moment moment, CountDownLatch reached, CountDownLatch left) {}

  private final AtomicReference<@Nullable Place> next = new AtomicReference<>();
  private volatile @Nullable Place held;

  /** The first thread that comes there from now on stops. */
  void first(Moment moment) {
    Place place = new Place(moment, new CountDownLatch(1), new CountDownLatch(1));
    held = place;
    next.set(place);
  }

  @Override
  public void at(Moment moment) {
    Place place = next.get();
    if (place == null || place.moment() != moment || !next.compareAndSet(place, null)) {
      return;
    }
    place.reached().countDown();
    try {
      if (!place.left().await(GUARD_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody let go at " + moment);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void awaitReached() throws InterruptedException {
    Place place = held;
    if (place == null || !place.reached().await(GUARD_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("nobody came to " + place);
    }
  }

  void letGo() {
    next.set(null);
    Place place = held;
    if (place != null) {
      place.left().countDown();
    }
  }
}
