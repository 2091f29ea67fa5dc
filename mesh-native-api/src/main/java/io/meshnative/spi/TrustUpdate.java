package io.meshnative.spi;

import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * All bundles that are trusted now.
 *
 * @param local the own trust domain
 * @param bundles the bundles, the own one among them; each trust domain once
 */
public record TrustUpdate(TrustDomain local, List<TrustBundle> bundles) {
  /** Checks that the own bundle is there and none is there twice. */
  public TrustUpdate {
    Objects.requireNonNull(local, "local");
    bundles = List.copyOf(bundles);
    Map<TrustDomain, TrustBundle> seen = new HashMap<>();
    for (TrustBundle bundle : bundles) {
      if (seen.put(bundle.trustDomain(), bundle) != null) {
        throw new IllegalArgumentException(
            "expected one bundle a trust domain, found two of " + bundle.trustDomain());
      }
    }
    if (!seen.containsKey(local)) {
      throw new IllegalArgumentException(
          "expected a bundle of the own trust domain " + local + ", found none");
    }
  }
}
