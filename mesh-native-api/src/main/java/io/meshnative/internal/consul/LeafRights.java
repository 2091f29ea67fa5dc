package io.meshnative.internal.consul;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The token of leaf calls where it is not the client's: one that was made up, which an agent with
 * ACLs off ignores, except that it keeps another leaf for it. Thread-safe.
 */
final class LeafRights {
  private static final String PROCESS = Long.toHexString(new SecureRandom().nextLong());

  private volatile @Nullable String madeUp;

  @Nullable String madeUp() {
    return madeUp;
  }

  /** The same for all clients of this process, so that the agent keeps few leaves more. */
  void makeUp(String signingKey) {
    madeUp =
        UUID.nameUUIDFromBytes((PROCESS + signingKey).getBytes(StandardCharsets.UTF_8)).toString();
  }

  void drop() {
    madeUp = null;
  }
}
