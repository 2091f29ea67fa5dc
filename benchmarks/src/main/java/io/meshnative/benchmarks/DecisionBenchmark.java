package io.meshnative.benchmarks;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.MalformedRequestException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A decision over one of many callers, each time another one, so that no cache line stays warm. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 6, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class DecisionBenchmark {
  /** A power of two: the callers that take turns. */
  private static final int CALLERS = 1024;

  @Param({"10", "1000", "100000"})
  int intentions;

  private final ConsulId.Service[] callers = new ConsulId.Service[CALLERS];
  private IntentionTable table;
  private HttpRequestView request;
  private int next;

  /** Makes the table, and callers all over it; the names are of other instances than the rules'. */
  @Setup
  public void fill() throws MalformedRequestException {
    List<Intention> rules = new ArrayList<>();
    for (int i = 0; i < intentions; i++) {
      rules.add(allow("caller-" + i));
    }
    table =
        IntentionTable.compile(
            new Intention.Destination("default", "default", "callee"), rules, DefaultDecision.DENY);
    TrustDomain domain = TrustDomain.of("11111111-2222-3333-4444-555555555555.consul");
    for (int i = 0; i < CALLERS; i++) {
      long at = (long) i * 7919 % intentions;
      callers[i] = new ConsulId.Service(domain, "default", "default", "dc1", "caller-" + at);
    }
    request = HttpRequestView.of("GET", "/v1/things", List.of("callee"), Map.of());
  }

  private static Intention allow(String source) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", "callee"),
        Optional.of(Intention.Action.ALLOW),
        List.of(),
        9,
        false,
        "",
        List.of());
  }

  private ConsulId.Service caller() {
    next = (next + 1) & (CALLERS - 1);
    return callers[next];
  }

  /** Layer 4. */
  @Benchmark
  public Decision connection() {
    return table.decide(caller());
  }

  /** Layer 7, where the intention decides for every request. */
  @Benchmark
  public Decision request() {
    return table.decide(caller(), request);
  }
}
