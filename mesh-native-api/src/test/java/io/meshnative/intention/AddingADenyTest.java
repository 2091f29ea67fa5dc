package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * T20: adding a deny never adds access, whatever it is added to.
 *
 * <p>One exception is Consul's own and therefore not asked: with a default of allow, an intention
 * that holds nothing but deny permissions takes its source away from a broader deny, and what its
 * permissions do not match goes to the default (reference: Consul §e.8). Deny permissions are added
 * to intentions that have some, and to any under a default of deny.
 */
class AddingADenyTest {
  private static final int ROUNDS = 3000;

  @ParameterizedTest
  @EnumSource(DefaultDecision.class)
  void T20_addingADenyIntentionNeverAddsAccess(DefaultDecision byDefault) {
    Random random = new Random(20261121);
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> before = RandomIntentions.of(random);
      List<Intention> after = new ArrayList<>(before);
      after.add(
          random.nextInt(after.size() + 1),
          Rules.deny(RandomIntentions.source(random), RandomIntentions.destination(random)));

      assertNothingAdded(before, after, byDefault);
    }
  }

  @ParameterizedTest
  @EnumSource(DefaultDecision.class)
  void T20_addingADenyPermissionNeverAddsAccess(DefaultDecision byDefault) {
    Random random = new Random(20261122);
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> before = RandomIntentions.of(random);
      List<Intention> after = new ArrayList<>();
      for (Intention intention : before) {
        after.add(intention.permissions().isEmpty() ? intention : withOneDeny(intention, random));
      }

      assertNothingAdded(before, after, byDefault);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DefaultDecision.class,
      names = {"DENY", "UNKNOWN"})
  void T20_addingAnIntentionOfDenyPermissionsNeverAddsAccess(DefaultDecision byDefault) {
    Random random = new Random(20261123);
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> before = RandomIntentions.of(random);
      List<Intention> after = new ArrayList<>(before);
      after.add(
          Rules.permissions(
              RandomIntentions.source(random),
              RandomIntentions.destination(random),
              RandomIntentions.permission(true, random)));

      assertNothingAdded(before, after, byDefault);
    }
  }

  private static void assertNothingAdded(
      List<Intention> before, List<Intention> after, DefaultDecision byDefault) {
    IntentionTable old = IntentionTable.compile(Rules.API, before, byDefault);
    IntentionTable changed = IntentionTable.compile(Rules.API, after, byDefault);
    for (String name : RandomIntentions.CALLERS) {
      ConsulId.Service caller = Rules.caller(name);
      assertThat(!old.decide(caller).isAllowed() && changed.decide(caller).isAllowed())
          .as("connections of %s: %s became %s", name, before, after)
          .isFalse();
      for (HttpRequestView request : RandomIntentions.REQUESTS) {
        boolean added =
            !old.decide(caller, request).isAllowed() && changed.decide(caller, request).isAllowed();
        assertThat(added).as("%s of %s: %s became %s", request, name, before, after).isFalse();
      }
    }
  }

  private static Intention withOneDeny(Intention intention, Random random) {
    List<Permission> permissions = new ArrayList<>(intention.permissions());
    permissions.add(
        random.nextInt(permissions.size() + 1), RandomIntentions.permission(true, random));
    return Rules.permissions(
        intention.source().name(),
        intention.destination().name(),
        permissions.toArray(new Permission[0]));
  }
}
