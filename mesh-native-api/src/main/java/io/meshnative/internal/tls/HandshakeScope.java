package io.meshnative.internal.tls;

import org.jspecify.annotations.Nullable;

/**
 * Which engine the current thread is driving. TLS engines hand their own object to the trust
 * manager, not ours; this is how the trust manager knows for whom it is asked. Set around every
 * wrap, unwrap and delegated task, since some engines call the trust manager in the one and some in
 * the other.
 */
final class HandshakeScope {
  private static final ThreadLocal<@Nullable MeshEngine> CURRENT = new ThreadLocal<>();

  private HandshakeScope() {}

  static @Nullable MeshEngine current() {
    return CURRENT.get();
  }

  /** Enters, and returns what to hand to {@link #leave}. */
  static @Nullable MeshEngine enter(MeshEngine engine) {
    MeshEngine outer = CURRENT.get();
    CURRENT.set(engine);
    return outer;
  }

  static void leave(@Nullable MeshEngine outer) {
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
  }
}
