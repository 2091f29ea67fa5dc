package io.meshnative.intention;

import static io.meshnative.intention.Rules.allowPath;
import static io.meshnative.intention.Rules.caller;
import static io.meshnative.intention.Rules.denyPath;
import static io.meshnative.intention.Rules.permissions;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Permission.PathKind;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * T31: servers decode before they route, so a rule holds for every spelling of a path that decodes
 * to the same.
 */
class PathSpellingsTest {

  private static HttpRequestView get(String path) throws MalformedRequestException {
    return HttpRequestView.of("GET", path, List.of("api"), Map.of());
  }

  private static boolean allowed(DefaultDecision otherwise, Permission rule, String path)
      throws MalformedRequestException {
    IntentionTable table =
        IntentionTable.compile(Rules.API, List.of(permissions("web", "api", rule)), otherwise);
    return table.decide(caller("web"), get(path)).isAllowed();
  }

  @ParameterizedTest
  @CsvSource({
    "/users:delete, /users%3Adelete",
    "/users:delete, /users%3adelete",
    "/users%3adelete, /users:delete",
    "/a@b, /a%40b",
    "/a%40b, /a%40b",
    "/a|b, /a%7Cb",
    "/a%20b, /a%20b",
    "/caf%c3%a9@, /caf%C3%A9%40"
  })
  void t31ARuleHoldsForEverySpelling(String rule, String path) throws Exception {
    for (PathKind kind : new PathKind[] {PathKind.EXACT, PathKind.PREFIX}) {
      assertThat(allowed(DefaultDecision.ALLOW, denyPath(kind, rule), path)).isFalse();
      assertThat(allowed(DefaultDecision.DENY, allowPath(kind, rule), path)).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({"/a%3Fb, /a", "/a%23b, /a", "/a%20b, /a+b", "/a%40b, /a%3Ab"})
  void whatDecodesToSomethingElseIsAnotherPath(String rule, String path) throws Exception {
    assertThat(allowed(DefaultDecision.ALLOW, denyPath(PathKind.EXACT, rule), path)).isTrue();
    assertThat(allowed(DefaultDecision.DENY, allowPath(PathKind.EXACT, rule), path)).isFalse();
  }

  @Test
  void t31AnExpressionDeniesByAnySpellingAndAllowsByAll() throws Exception {
    Permission deny = denyPath(PathKind.REGEX, "/users:[a-z]+");
    assertThat(allowed(DefaultDecision.ALLOW, deny, "/users:delete")).isFalse();
    assertThat(allowed(DefaultDecision.ALLOW, deny, "/users%3Adelete")).isFalse();
    assertThat(allowed(DefaultDecision.ALLOW, deny, "/users.delete")).isTrue();
    Permission asSent = denyPath(PathKind.REGEX, "/users%3[aA][a-z]+");
    assertThat(allowed(DefaultDecision.ALLOW, asSent, "/users%3Adelete")).isFalse();
    Permission narrow = allowPath(PathKind.REGEX, "/[a-zA-Z0-9%]+");
    assertThat(allowed(DefaultDecision.DENY, narrow, "/users%3Adelete")).isFalse();
    Permission wide = allowPath(PathKind.REGEX, "/[a-zA-Z0-9%:]+");
    assertThat(allowed(DefaultDecision.DENY, wide, "/users%3Adelete")).isTrue();
  }

  @Test
  void aDenyThatEndsWithinAnEncodingHoldsForWhatWasSent() throws Exception {
    Permission deny = denyPath(PathKind.PREFIX, "/a%4");
    assertThat(allowed(DefaultDecision.ALLOW, deny, "/a%40b")).isFalse();
    assertThat(allowed(DefaultDecision.ALLOW, deny, "/a@b")).isTrue();
  }

  /** Two paths are one to a decoding server exactly where they are one to the rules. */
  @Test
  void plainPathsAreEqualWhereDecodedOnesAre() {
    Random random = new Random(31);
    String[] parts = {
      "/", "a", "@", "%40", "%3a", ":", "%20", "%C3%A9", "%c3%a9", "%3F", "!", "%21", "+", "%2b"
    };
    int equal = 0;
    for (int i = 0; i < 20_000; i++) {
      String one = path(random, parts);
      String other = path(random, parts);
      try {
        HttpRequestView first = get(one);
        HttpRequestView second = get(other);
        boolean same = URI.create(one).getPath().equals(URI.create(other).getPath());
        assertThat(first.plainPath().equals(second.plainPath()))
            .as(one + " " + other)
            .isEqualTo(same);
        assertThat(PlainPath.of(first.plainPath())).isEqualTo(first.plainPath());
        equal += same && !one.equals(other) ? 1 : 0;
      } catch (MalformedRequestException e) {
        // Empty segments; there is nothing to compare.
      }
    }
    assertThat(equal).as("how many pairs were two spellings of one path").isGreaterThan(50);
  }

  private static String path(Random random, String[] parts) {
    StringBuilder path = new StringBuilder("/");
    for (int i = random.nextInt(3); i >= 0; i--) {
      path.append(parts[random.nextInt(parts.length)]);
    }
    return path.toString();
  }
}
