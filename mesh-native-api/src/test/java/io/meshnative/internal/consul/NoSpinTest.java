package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.discovery.Destination;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import mockwebserver3.MockResponse;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever an agent answers at once, for ever: each watch asks about once a second, or less. */
class NoSpinTest {
  private static final Duration SPAN = Duration.ofMinutes(10);

  /** Each thread has its own time, which passes where it pauses; what it adds up to is kept. */
  private static final class OwnTime implements WatchClock {
    private final ThreadLocal<long[]> now = ThreadLocal.withInitial(() -> new long[1]);
    private final Map<String, Long> passed = new ConcurrentHashMap<>();

    @Override
    public long nanoTime() {
      return now.get()[0];
    }

    @Override
    public void pause(Duration pause) throws InterruptedException {
      Thread.sleep(0, 100_000); // and to be interrupted
      now.get()[0] += pause.toNanos();
      passed.put(Thread.currentThread().getName(), now.get()[0]);
    }
  }

  private static MockResponse answer(int status, String body, String... headers) {
    MockResponse.Builder builder = new MockResponse.Builder().code(status).body(body);
    for (int i = 0; i < headers.length; i += 2) {
      builder.addHeader(headers[i], headers[i + 1]);
    }
    return builder.build();
  }

  static List<Arguments> answers() {
    return List.of(
        Arguments.of("an error with index 1", answer(500, "oops", "X-Consul-Index", "1")),
        Arguments.of("no leader", answer(500, "No cluster leader", "X-Consul-Index", "1")),
        Arguments.of("an empty 429", answer(429, "", "X-Consul-Index", "1")),
        Arguments.of("forbidden", answer(403, "Permission denied", "X-Consul-Index", "1")),
        Arguments.of(
            "a list that does not block",
            answer(200, "[]", "X-Consul-Index", "1", "X-Consul-KnownLeader", "false")),
        Arguments.of("no index", answer(200, "[]")),
        Arguments.of(
            "streaming",
            answer(
                200,
                "[]",
                "X-Consul-Index",
                "7",
                "X-Consul-KnownLeader",
                "false",
                "X-Consul-Query-Backend",
                "streaming")),
        Arguments.of("nonsense", answer(200, "<html>", "X-Consul-Index", "9")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("answers")
  void endpointsIntentionsAndLeafAreAskedForAtALeisurelyPace(String name, MockResponse always)
      throws Exception {
    OwnTime clock = new OwnTime();
    try (Agents agent =
            Agents.answering(request ->
                request.getTarget().equals("/v1/agent/connect/ca/roots")
                    ? Exchange.load("1.10.3", "ca-roots").response()
                    : always);
        ConsulControlPlane plane =
            ConsulControlPlane.open(agent.config(), "billing", clock, new SplittableRandom(1))) {
      plane.identity().start(new Recorder<>());
      plane.intentions().start(new Recorder<>());
      plane.endpoints().watch(Destination.parse("db"), new Recorder<>());
      Map<String, String> watches =
          Map.of(
              "mesh-billing-leaf", "/v1/agent/connect/ca/leaf/",
              "mesh-billing-endpoints-db", "/v1/health/connect/db",
              "mesh-billing-intentions-outbound", "by=source");
      await()
          .atMost(Duration.ofSeconds(120))
          .until(() ->
              watches.keySet().stream()
                  .allMatch(t -> clock.passed.getOrDefault(t, 0L) > SPAN.toNanos()));
      plane.close();
      List<String> targets = new ArrayList<>(agent.targets());
      watches.forEach((thread, path) -> {
        long seconds = Duration.ofNanos(clock.passed.get(thread)).toSeconds();
        long calls = count(targets.stream(), path);
        assertThat(calls)
            .as("%s: %s calls in %s s", path, calls, seconds)
            .isLessThanOrEqualTo(seconds + 10);
      });
    }
  }

  private static long count(Stream<String> targets, String path) {
    return targets.filter(target -> target.contains(path)).count();
  }
}
