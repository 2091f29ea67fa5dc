package io.meshnative.intention;

/** What happens where no intention matches. Consul derives it from its ACL default policy. */
public enum DefaultDecision {
  /** Let through: ACLs are off, or their default policy is allow. */
  ALLOW,
  /** Refuse. */
  DENY,
  /** Not learned yet: refuse, and say so. */
  UNKNOWN
}
