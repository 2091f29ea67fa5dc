package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConsulIdTest {
  private static final TrustDomain DOMAIN = TrustDomain.of("one.consul");

  static Stream<ConsulId> ids() {
    return Stream.of(
        new ConsulId.Service(DOMAIN, "default", "default", "dc1", "web"),
        new ConsulId.Service(DOMAIN, "blue", "shop", "dc1", "web"),
        new ConsulId.Service(DOMAIN, "default", "default", "dc1", "a b"),
        new ConsulId.Service(DOMAIN, "default", "default", "dc1", "caf\u00e9 100% * ~$&+,:;=@"),
        new ConsulId.Service(DOMAIN, "default", "ns", "dc", "svc"),
        new ConsulId.Gateway(DOMAIN, "default", "dc1"),
        new ConsulId.Gateway(DOMAIN, "blue", "dc1"),
        new ConsulId.Agent(DOMAIN, "default", "dc1", "node-1"),
        new ConsulId.Agent(DOMAIN, "blue", "dc1", "node-1"),
        new ConsulId.Server(DOMAIN, "dc1"));
  }

  @ParameterizedTest
  @MethodSource("ids")
  void everyIdReadsBackFromItsSpelling(ConsulId id) {
    assertThat(SpiffeId.parse(id.spiffeId().toString()).consulId()).contains(id);
  }

  @Test
  void namesOfAnyCharactersReadBackFromTheirSpelling() {
    Random random = new Random(20261121);
    for (int round = 0; round < 2000; round++) {
      StringBuilder name = new StringBuilder("n");
      for (int i = random.nextInt(8); i > 0; i--) {
        int c = random.nextInt(4) == 0 ? random.nextInt(0xd800) : 0x20 + random.nextInt(0x5f);
        if (c != '/' && c != '\\' && !Character.isISOControl(c)) {
          name.append((char) c);
        }
      }
      ConsulId id = new ConsulId.Service(DOMAIN, "default", "default", "dc1", name.toString());

      assertThat(SpiffeId.parse(id.spiffeId().toString()).consulId()).contains(id);
    }
  }

  @Test
  void theSpellingIsConsuls() {
    assertThat(new ConsulId.Service(DOMAIN, "blue", "shop", "dc1", "a b").spiffeId())
        .hasToString("spiffe://one.consul/ap/blue/ns/shop/dc/dc1/svc/a%20b");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/ap/default/ns/default/dc/dc1/svc/web",
        "/ap/Blue/ns/default/dc/dc1/svc/web",
        "/ns/default/dc/dc1/svc",
        "/ns/default/dc/dc1/svc/web/extra",
        "/ns/default/dc/dc1/SVC/web",
        "/agent/server/dc/dc1/id/x",
        "/gateway/terminating/dc/dc1"
      })
  void T04_otherPathsAreNoConsulIds(String path) {
    assertThat(SpiffeId.parse("spiffe://one.consul" + path).consulId()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "a\\b", "a\u0000", "a\n", "\u0085"})
  void T04_segmentsWithASecondReadingAreRefused(String name) {
    assertThatThrownBy(() -> new ConsulId.Service(DOMAIN, "default", "default", "dc1", name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("expected a service");
  }
}
