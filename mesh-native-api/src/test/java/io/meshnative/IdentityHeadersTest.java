package io.meshnative;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** T38: which headers a caller could make up to look like somebody else. */
class IdentityHeadersTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x-forwarded-client-cert",
        "X-Forwarded-Client-Cert",
        "x_forwarded_client_cert",
        "X-Forwarded-Client-Cert-Chain",
        "x-consul-token",
        "x-consul-",
        "L5d-Client-Id",
        "x-envoy-peer-metadata",
        "X-ENVOY-ORIGINAL-PATH",
        "Client-Cert",
        "client-cert-chain",
        "x-client-cert-subject",
        "SSL_CLIENT_S_DN",
        "x-ssl-client-verify",
        "x-spiffe-id"
      })
  void t38AHeaderThatTellsAnIdentityIsOneOfThem(String name) {
    assertThat(IdentityHeaders.contains(name)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "host",
        "authorization",
        "x-forwarded-for",
        "x-request-id",
        "forwarded",
        "envoy",
        "consul-token",
        "client-certificates",
        ""
      })
  void otherHeadersArePassedOn(String name) {
    assertThat(IdentityHeaders.contains(name)).isFalse();
  }

  @Test
  void t38StrippingKeepsTheOthersAndTheirOrderAndChangesNothingInPlace() {
    Map<String, List<String>> headers = new LinkedHashMap<>();
    headers.put("b", List.of("1", "2"));
    headers.put("L5D-Client-Id", List.of("db"));
    headers.put("a", List.of());
    Map<String, List<String>> before = new LinkedHashMap<>(headers);

    assertThat(IdentityHeaders.stripped(headers))
        .containsExactly(Map.entry("b", List.of("1", "2")), Map.entry("a", List.of()));

    assertThat(headers).isEqualTo(before);
  }
}
