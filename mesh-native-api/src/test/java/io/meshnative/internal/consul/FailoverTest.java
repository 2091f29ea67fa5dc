package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CopyOnWriteArrayList;
import mockwebserver3.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several agents: the first that answers is kept, and no index crosses from one to another. */
class FailoverTest {
  private static final AgentCall CALL = AgentCall.get("connect", "intentions", "match");

  private static AgentClient client(String... addresses) throws ControlPlaneException {
    return new AgentClient(ConsulConfig.builder().addresses(addresses).build());
  }

  @Test
  void theNextAgentIsAskedAndKeptWhenTheFirstIsGone() throws Exception {
    String gone;
    try (Agents dead = Agents.answering(request -> null)) {
      gone = dead.address();
    }
    try (Agents second = Agents.answering(request -> Agents.json("9", "{}"));
        AgentClient client = client(gone, second.address())) {
      for (int i = 0; i < 3; i++) {
        assertThat(client.execute(CALL, new Calls()).index()).isEqualTo(9);
      }
      assertThat(second.requests).hasSize(3);
    }
  }

  @Test
  void allAgentsGoneIsOneFailureNotALoop() throws Exception {
    String one;
    String other;
    try (Agents a = Agents.answering(request -> null);
        Agents b = Agents.answering(request -> null)) {
      one = a.address();
      other = b.address();
    }
    try (AgentClient client = client(one, other)) {
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> client.execute(CALL, new Calls()))
          .withMessageContaining(other);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "500, No cluster leader, 1",
    "500, No known Consul servers, 1",
    "503, unavailable, 1",
    "500, some other trouble, 0",
    "403, Permission denied, 0",
    "404, unknown, 0",
    "429, slowly, 0"
  })
  void anAgentWithoutItsServersIsLeftButOneThatRefusesIsNot(int status, String text, int asked)
      throws Exception {
    try (Agents first =
            Agents.answering(
                request -> new MockResponse.Builder().code(status).body(text).build());
        Agents second = Agents.answering(request -> Agents.json("9", "{}"));
        AgentClient client = client(first.address(), second.address())) {
      try {
        client.execute(CALL, new Calls());
      } catch (ControlPlaneException e) {
        assertThat(e.status()).hasValue(status);
      }
      assertThat(second.requests).hasSize(asked);
    }
  }

  @Test
  void aBlockingCallNamesNoIndexOfAnotherAgent() throws Exception {
    List<List<String>> seen = new CopyOnWriteArrayList<>();
    FakeClock clock = new FakeClock();
    Calls calls = new Calls();
    try (Agents second = Agents.answering(request -> Agents.json("12", "second"))) {
      Agents first = Agents.answering(request -> Agents.json("4000", "first"));
      try (AgentClient client = client(first.address(), second.address())) {
        Query<List<String>> query =
            new Query<>() {
              @Override
              public String name() {
                return "match";
              }

              @Override
              public Duration hold() {
                return Duration.ofMinutes(5);
              }

              @Override
              public Answer read(long index) throws ControlPlaneException {
                return client.execute(CALL.blocking(index, hold()), calls);
              }

              @Override
              public List<String> decode(Answer answer) {
                return List.of(answer.body().readUtf8());
              }
            };
        Target<List<String>> target =
            new Target<>() {
              @Override
              public void accept(List<String> value, boolean reconnected) {
                seen.add(value);
              }

              @Override
              public void failed(java.io.IOException cause) {
                throw new AssertionError(cause);
              }
            };
        Watch<List<String>> watch =
            new Watch<>(query, target, calls, Pace.steady(clock, new SplittableRandom(1)));
        watch.step();
        first.close();
        watch.step();
        watch.step();
        watch.step();
        assertThat(first.targets()).containsExactly("/v1/connect/intentions/match");
        assertThat(second.targets())
            .startsWith("/v1/connect/intentions/match", "/v1/connect/intentions/match")
            .last()
            .isEqualTo("/v1/connect/intentions/match?index=12&wait=300000ms");
        assertThat(seen.get(0)).containsExactly("first");
        assertThat(seen.get(1)).containsExactly("second");
      }
    }
  }
}
