package io.meshnative.okhttp;

import io.meshnative.MeshException;
import org.jspecify.annotations.Nullable;

/**
 * What {@link MeshCalls} and {@link MeshWire} of one call tell each other: it rides on the request
 * as a tag. A call that crosses a border goes on as another leg, with the other side's name
 * service, sockets and TLS; OkHttp, which follows redirects between the two, must not see that one.
 */
final class Leg {
  private volatile @Nullable Redirect crossing;
  private volatile @Nullable MeshException reason;

  /** A request goes out: what an earlier one of this leg came to does not count any more. */
  void begins() {
    crossing = null;
    reason = null;
  }

  void crosses(Redirect redirect) {
    crossing = redirect;
  }

  @Nullable Redirect crossing() {
    return crossing;
  }

  void failsFor(@Nullable MeshException met) {
    reason = met;
  }

  /** Why the connection of the last attempt has ended, where the mesh ended it. */
  @Nullable MeshException reason() {
    return reason;
  }
}
