package io.meshnative.identity;

import java.util.Objects;

/**
 * The name of a trust domain: the authority part of a SPIFFE id, such as {@code
 * 5d3b71c7-680d-7b94-bf34-5418c52e3969.consul}.
 *
 * <p>Names hold lower-case letters, digits, dots, dashes and underscores, and at most 255 of them
 * (SPIFFE-ID §2.1). An upper-case name is refused, never lowered: two spellings of one identity are
 * how a comparison goes wrong.
 *
 * @param name the name, never empty
 */
public record TrustDomain(String name) {
  private static final int MAX_LENGTH = 255;

  /** Checks the name. */
  public TrustDomain {
    Objects.requireNonNull(name, "name");
    if (name.isEmpty() || name.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "expected a trust domain of 1 to " + MAX_LENGTH + " characters, found " + name.length());
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean allowed =
          (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
      if (!allowed) {
        throw new IllegalArgumentException(
            "expected a trust domain of lower-case letters, digits, '.', '-' and '_', found "
                + Text.quote(name)
                + " with "
                + Text.quote(String.valueOf(c))
                + " at position "
                + i);
      }
    }
  }

  /**
   * Returns the trust domain of this name.
   *
   * @param name a trust domain's name, without scheme or path
   * @return the trust domain
   * @throws IllegalArgumentException if the name is empty, too long or holds a character that is
   *     not allowed
   */
  public static TrustDomain of(String name) {
    return new TrustDomain(name);
  }

  /** Returns the name. */
  @Override
  public String toString() {
    return name;
  }
}
