package io.meshnative.testkit.internal;

import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.KeyType;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the builder was told; fixed for the life of a plane. */
public record PlaneSettings(
    String datacenter,
    ConsulVersion version,
    KeyType caKeyType,
    SkewedClock clock,
    Duration leafTtl,
    Duration leafJitter,
    Duration maxWait,
    boolean defaultAllow,
    boolean acls,
    String managementToken,
    boolean rotationDefect,
    boolean streamingBackend,
    boolean ignoredDefaultDeny,
    @Nullable Path tlsDirectory,
    boolean verifyIncoming,
    @Nullable Path unixSocket,
    int port) {

  /** Whether the 1.8 forms are spoken. */
  public boolean old() {
    return version == ConsulVersion.V1_8;
  }

  /** Whether health is streamed to the agent: 1.8 knows no streams. */
  boolean streaming() {
    return streamingBackend && !old();
  }
}
