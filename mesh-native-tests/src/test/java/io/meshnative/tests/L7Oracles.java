package io.meshnative.tests;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.Decision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.MalformedRequestException;
import java.util.Optional;

/** What the library says of the cases, for whatever it is compared with. */
final class L7Oracles {
  static final TrustDomain DOMAIN = TrustDomain.of("11111111-2222-3333-4444-555555555555.consul");

  private L7Oracles() {}

  static ConsulId.Service caller(String name) {
    return new ConsulId.Service(DOMAIN, "default", "default", "dc1", name);
  }

  static IntentionTable table(L7Cases.Policy policy) {
    return IntentionTable.compile(
        new Intention.Destination("default", "default", L7Cases.SERVICE),
        policy.intentions(),
        policy.byDefault());
  }

  /** Empty where the request is refused with 400 before anything is decided. */
  static Optional<Decision> decide(IntentionTable table, L7Cases.Request request) {
    try {
      return Optional.of(table.decide(caller(request.caller()), request.view()));
    } catch (MalformedRequestException e) {
      return Optional.empty();
    }
  }
}
