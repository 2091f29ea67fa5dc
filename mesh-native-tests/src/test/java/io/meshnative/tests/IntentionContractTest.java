package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every form of a layer-4 intention, alone and against others, asked of four witnesses: a real
 * connection that only the server may refuse, what the server says, what the client says, and the
 * agent's own answer.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, CONSCRYPT",
  "CONSUL, true, CONSCRYPT",
  "CONSUL, false, CONSCRYPT"
})
class IntentionContractTest extends Contract {
  /**
   * Rules as "allow web db", and the index of the one that decides for web and for api; -1 for the
   * default.
   */
  private record Case(List<String> rules, int web, int api) {
    static Case of(int web, int api, String... rules) {
      return new Case(List.of(rules), web, api);
    }
  }

  private static final String[] FORMS = {"web db", "* db", "web *", "* *"};

  /**
   * Each form alone in both senses, each pair of forms in opposite senses, both ways round, and all
   * together.
   */
  private static Stream<Case> cases() {
    Stream.Builder<Case> all = Stream.builder();
    all.add(Case.of(-1, -1));
    all.add(Case.of(-1, -1, "allow other db", "deny web elsewhere"));
    for (int i = 0; i < FORMS.length; i++) {
      boolean concernsApi = FORMS[i].startsWith("*");
      all.add(Case.of(0, concernsApi ? 0 : -1, "allow " + FORMS[i]));
      all.add(Case.of(0, concernsApi ? 0 : -1, "deny " + FORMS[i]));
      for (int j = i + 1; j < FORMS.length; j++) {
        int api = concernsApi ? 0 : FORMS[j].startsWith("*") ? 1 : -1;
        // The forms stand in the order of precedence, so the first decides; it is written last.
        all.add(Case.of(0, api, "allow " + FORMS[i], "deny " + FORMS[j]));
        all.add(Case.of(0, api, "deny " + FORMS[i], "allow " + FORMS[j]));
      }
    }
    all.add(Case.of(0, 1, "allow web db", "deny * db", "allow web *", "deny * *"));
    all.add(Case.of(0, 1, "deny web db", "allow * db", "deny web *", "allow * *"));
    return all.build();
  }

  @Test
  @Tag("T22")
  void theRuleOfHighestPrecedenceDecidesForEveryWitness() throws Exception {
    MeshClient db = cast.registered("db");
    Echo echo = cast.echo(db);
    MeshClient web = cast.client("web");
    MeshClient anyWeb = cast.lawless("web");
    MeshClient anyApi = cast.lawless("api");
    Cast.awaitEndpoint(anyWeb, "db");
    Cast.awaitEndpoint(anyApi, "db");
    for (Case each : cases().toList()) {
      Cast.await("no intention is left", () -> db.snapshot().inboundIntentions() == 0);
      for (int i = each.rules().size() - 1; i >= 0; i--) {
        write(each.rules().get(i));
      }
      long covering =
          each.rules().stream().filter(rule -> rule.endsWith(" db") || rule.endsWith(" *")).count();
      Cast.await(each + " has arrived", () -> db.snapshot().inboundIntentions() == covering);
      int before = echo.accepted();
      boolean webMay = allowed(each, each.web());
      boolean apiMay = allowed(each, each.api());

      assertThat(db.explain("web").isAllowed()).as("%s: db of web", each).isEqualTo(webMay);
      assertThat(db.explain("api").isAllowed()).as("%s: db of api", each).isEqualTo(apiMay);
      assertThat(deciding(db.explain("web")))
          .as("%s: the rule for web", each)
          .isEqualTo(rule(each, each.web()));
      assertThat(deciding(db.explain("api")))
          .as("%s: the rule for api", each)
          .isEqualTo(rule(each, each.api()));
      assertThat(Cast.reaches(anyWeb, "db")).as("%s: web connects", each).isEqualTo(webMay);
      assertThat(Cast.reaches(anyApi, "db")).as("%s: api connects", each).isEqualTo(apiMay);
      assertThat(echo.accepted() - before)
          .as("%s: connections that the application saw", each)
          .isEqualTo((webMay ? 1 : 0) + (apiMay ? 1 : 0));

      Cast.await(
          each + ": web has the rule too",
          () -> deciding(web.explain(Destination.parse("db"))).equals(rule(each, each.web())));
      assertThat(web.explain(Destination.parse("db")).isAllowed())
          .as("%s: web of db", each)
          .isEqualTo(webMay);
      if (webMay) {
        assertThat(Cast.reaches(web, "db")).as("%s: web dials", each).isTrue();
      } else {
        assertThatThrownBy(() -> web.dial("db"))
            .as("%s: web does not even dial", each)
            .isInstanceOfSatisfying(
                MeshAuthorizationException.class,
                e -> assertThat(e.decision().isAllowed()).isFalse())
            .hasMessageContaining("may call db");
      }
      Cast.await(
          each + ": the agent says so of web", () -> plane.authorize("db", uri("web")) == webMay);
      Cast.await(
          each + ": the agent says so of api", () -> plane.authorize("db", uri("api")) == apiMay);
      plane.removeAllIntentions();
    }
  }

  private void write(String rule) throws Exception {
    String[] words = rule.split(" ");
    if (words[0].equals("allow")) {
      plane.allow(words[1], words[2]);
    } else {
      plane.deny(words[1], words[2]);
    }
  }

  private boolean allowed(Case each, int rule) {
    return rule < 0 ? defaultAllow : each.rules().get(rule).startsWith("allow");
  }

  private static Optional<String> rule(Case each, int rule) {
    return rule < 0 ? Optional.empty() : Optional.of(each.rules().get(rule));
  }

  private static Optional<String> deciding(Decision decision) {
    return decision
        .intention()
        .map(i ->
            i.action().orElseThrow().name().toLowerCase(java.util.Locale.ROOT)
                + " "
                + i.source().name()
                + " "
                + i.destination().name());
  }

  private String uri(String service) throws Exception {
    return "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/" + service;
  }
}
