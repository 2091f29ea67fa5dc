package io.meshnative.internal.transport;

import io.meshnative.internal.flight.OneLine;
import org.jspecify.annotations.Nullable;

/** Text that a peer had a hand in, on its way to logs, events and status pages. */
final class PeerText {
  private PeerText() {}

  /** See {@link OneLine#of}. */
  static String oneLine(@Nullable String text) {
    return OneLine.of(text);
  }
}
