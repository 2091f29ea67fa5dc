package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** T22: the same answers as a real server gave on random intentions. */
class PrecedenceCasesTest {
  private static final List<Object> CASES =
      Fixtures.list(Fixtures.json("precedence-cases"), "cases");

  @TestFactory
  Stream<DynamicTest> T22_everyRandomCaseIsDecidedAsTheServerDecidedIt() {
    return CASES.stream()
        .map(one ->
            DynamicTest.dynamicTest(
                "case " + ((Number) Fixtures.at(one, "id")).intValue(),
                () -> decidesAsTheServer(one)));
  }

  private static void decidesAsTheServer(Object one) {
    for (Object row : Fixtures.list(one, "decisions")) {
      String destination = Fixtures.text(row, "destination");
      ConsulId.Service caller = Rules.caller(Fixtures.text(row, "source"));
      for (DefaultDecision byDefault : List.of(DefaultDecision.ALLOW, DefaultDecision.DENY)) {
        Object answer =
            Fixtures.at(row, byDefault == DefaultDecision.ALLOW ? "default_allow" : "default_deny");
        Decision decision =
            IntentionTable.compile(Rules.destination(destination), intentions(one), byDefault)
                .decide(caller);
        assertThat(decision.isAllowed())
            .as("%s => %s by default %s", caller.service(), destination, byDefault)
            .isEqualTo(Fixtures.at(answer, "authorized"));
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> T22_everyRandomCaseIsDecidedByTheRuleThatTheServerNamed() {
    return CASES.stream()
        .map(one ->
            DynamicTest.dynamicTest(
                "case " + ((Number) Fixtures.at(one, "id")).intValue(),
                () -> namesTheServersRule(one)));
  }

  private static void namesTheServersRule(Object one) {
    for (Object row : Fixtures.list(one, "decisions")) {
      String destination = Fixtures.text(row, "destination");
      ConsulId.Service caller = Rules.caller(Fixtures.text(row, "source"));
      String reason = Fixtures.text(Fixtures.at(row, "default_deny"), "reason");
      Optional<Intention> match =
          IntentionTable.compile(
                  Rules.destination(destination), intentions(one), DefaultDecision.DENY)
              .match(caller);
      String expected =
          match
              .map(rule ->
                  rule.source()
                      + " => "
                      + rule.destination()
                      + " (Precedence: "
                      + rule.precedence())
              .orElse("Default behavior configured by ACLs");
      assertThat(reason).as("%s => %s", caller.service(), destination).contains(expected);
    }
  }

  @Test
  void theFixtureHoldsLayer7Cases() {
    assertThat(CASES).anySatisfy(one -> assertThat(Fixtures.at(one, "l7")).isEqualTo(true));
  }

  private static List<Intention> intentions(Object one) {
    List<Intention> intentions = new ArrayList<>();
    for (Object rule : Fixtures.list(one, "intentions")) {
      String source = Fixtures.text(rule, "Source");
      String destination = Fixtures.text(rule, "Destination");
      List<Permission> permissions = Fixtures.permissions(rule);
      intentions.add(
          permissions.isEmpty()
              ? Rules.rule(
                  Rules.source(source), Rules.destination(destination), Fixtures.action(rule))
              : Rules.permissions(source, destination, permissions.toArray(new Permission[0])));
    }
    return intentions;
  }
}
