package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.meshnative.ControlPlaneException;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission.HeaderKind;
import java.util.List;
import java.util.Set;
import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IntentionDecoderTest {
  private static final String NAMES =
      "\"SourceNS\":\"default\",\"SourceName\":\"web\",\"DestinationNS\":\"default\",\"DestinationName\":\"api\","
          + "\"SourceType\":\"consul\",\"Precedence\":9,";

  private static List<Intention> decode(String body, String... tolerated)
      throws ControlPlaneException {
    return new IntentionDecoder(Set.of(tolerated))
        .decode("match", new Buffer().writeUtf8(body), "api");
  }

  private static Intention one(String fields, String... tolerated) throws ControlPlaneException {
    return decode("{\"api\":[{" + NAMES + fields + "}]}", tolerated).get(0);
  }

  private static Intention permission(String permission, String... tolerated)
      throws ControlPlaneException {
    return one("\"Permissions\":[" + permission + "]", tolerated);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"Action\":\"allow\",\"SourceIP\":\"10.0.0.0/8\"",
        "\"Action\":\"allow\",\"action\":\"deny\"",
        "\"Action\":\"allow\",\"Action\":\"allow\"",
        "\"Action\":\"audit\"",
        "\"Action\":\"ALLOW\"",
        "\"Action\":true",
        "\"Action\":[\"allow\"]",
        "\"Action\":\"allow\",\"Permissions\":[{\"Action\":\"allow\"}]",
        "\"Description\":\"nothing decides\"",
        "\"Permissions\":[]",
        "\"Permissions\":{}",
        "\"Action\":\"allow\",\"SourceSamenessGroup\":\"eu\"",
        "\"Action\":\"allow\",\"SourcePeer\":7",
      })
  void t23WhatIsNotUnderstoodInAnIntentionIsADefect(String fields) throws Exception {
    assertThat(one(fields).defects()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\",\"PathGlob\":\"/*\"}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\",\"PathExact\":\"/a\"}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":7}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Methods\":\"GET\"}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Methods\":[\"\"]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Methods\":[null]}}",
        "{\"Action\":\"allow\",\"HTTP\":[]}",
        "{\"Action\":\"allow\",\"GRPC\":{\"Service\":\"x\"}}",
        "{\"Action\":\"log\"}",
        "{\"HTTP\":{\"PathPrefix\":\"/\"}}",
        "null",
        "\"allow\"",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Name\":\"x\"}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Present\":true}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Name\":\"x\",\"Present\":false}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Name\":\"x\",\"Glob\":\"*\",\"Present\":true}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Name\":\"x\",\"Exact\":\"a\",\"Prefix\":\"a\"}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[{\"Name\":\"x\",\"Exact\":\"a\",\"Invert\":\"true\"}]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":[\"x\"]}}",
        "{\"Action\":\"allow\",\"HTTP\":{\"Header\":{}}}",
      })
  void t23WhatIsNotUnderstoodInAPermissionIsADefect(String permission) throws Exception {
    assertThat(permission(permission).defects()).isNotEmpty();
  }

  @Test
  void aFieldIsToleratedByItsNameWhereverItStands() throws Exception {
    assertThat(one("\"Action\":\"allow\",\"Colour\":{\"a\":[1]}", "Colour").defects()).isEmpty();
    assertThat(permission("{\"Action\":\"allow\",\"HTTP\":{\"Colour\":1}}", "Colour").defects())
        .isEmpty();
    assertThat(one("\"Action\":\"allow\",\"Color\":1", "Colour").defects()).hasSize(1);
  }

  @Test
  void theFieldsOfNewerVersionsAreRead() throws Exception {
    Intention intention =
        one(
            "\"Action\":\"allow\",\"SourcePeer\":\"east\",\"SourcePartition\":\"p1\",\"DestinationPartition\":\"p2\","
                + "\"JWT\":{\"Providers\":[{\"Name\":\"okta\"}]},\"CreatedAt\":\"0001-01-01T00:00:00Z\","
                + "\"CreateIndex\":18446744073709551615,\"Meta\":{\"a\":\"b\"}");
    assertThat(intention.defects()).isEmpty();
    assertThat(intention.requiresJwt()).isTrue();
    assertThat(intention.source()).isEqualTo(new Intention.Source("east", "p1", "default", "web"));
    assertThat(intention.destination().partition()).isEqualTo("p2");
    Intention layer7 =
        permission(
            "{\"Action\":\"deny\",\"JWT\":{},\"HTTP\":{\"Header\":[{\"Name\":\"x\",\"Contains\":\"b\","
                + "\"IgnoreCase\":true}]}}");
    assertThat(layer7.defects()).isEmpty();
    assertThat(layer7.permissions().get(0).requiresJwt()).isTrue();
    assertThat(layer7.permissions().get(0).headers().get(0).kind()).isEqualTo(HeaderKind.CONTAINS);
    assertThat(layer7.permissions().get(0).headers().get(0).ignoreCase()).isTrue();
  }

  @Test
  void aDefectOfOneRuleDoesNotHideTheOthers() throws Exception {
    List<Intention> read =
        decode(
            "{\"api\":[7,{"
                + NAMES
                + "\"Action\":\"deny\"},{"
                + NAMES
                + "\"Action\":\"allow\",\"New\":{\"a\":{}}}]}");
    assertThat(read).hasSize(3);
    assertThat(read.get(0).defects()).isNotEmpty();
    assertThat(read.get(0).destination().name()).isEqualTo("api");
    assertThat(read.get(1).defects()).isEmpty();
    assertThat(read.get(2).defects()).singleElement().asString().contains("\"New\"");
  }

  @ParameterizedTest
  @CsvSource({"0", "10", "-1", "8.5", "1e99", "'\"9\"'", "null"})
  void aPrecedenceThatOrdersNothingIsADefect(String precedence) throws Exception {
    String body =
        "{\"api\":[{\"SourceName\":\"web\",\"DestinationName\":\"api\",\"Action\":\"allow\",\"Precedence\":"
            + precedence
            + "}]}";
    assertThat(decode(body).get(0).defects()).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "<html>",
        "null",
        "[]",
        "{}",
        "{\"web\":null}",
        "{\"api\":null,\"web\":null}",
        "{\"api\":null,\"api\":null}",
        "{\"api\":{}}",
        "{\"api\":7}",
        "{\"api\":[{\"SourceName\":\"web\"",
        "{\"api\":null} {}",
        "{\"api\":[],}",
      })
  void t26ABodyThatIsNoListOfTheseIntentionsFailsAsAWhole(String body) {
    assertThatExceptionOfType(ControlPlaneException.class)
        .isThrownBy(() -> decode(body))
        .withMessageContaining("last good state goes on");
  }

  @Test
  void nestingWithoutEndFailsInsteadOfOverflowing() {
    assertThatExceptionOfType(ControlPlaneException.class)
        .isThrownBy(() -> one("\"Meta\":" + "[".repeat(100_000)));
  }

  @Test
  void anEmptyListAndNullAreNoIntentions() throws Exception {
    assertThat(decode("{\"api\":null}")).isEmpty();
    assertThat(decode("{\"api\":[]}")).isEmpty();
  }
}
