package io.meshnative.benchmarks;

import io.meshnative.identity.ConsulId;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.IntentionTable;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;

/**
 * One decision by each who can make it, over the same rules. A method for each, so that none is
 * compiled with another's types.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class RulesBenchmark {
  @Param({"INTENTIONS", "PERMISSIONS"})
  RuleSet.Shape shape;

  @Param({"1", "10", "100", "1000"})
  int rules;

  /** What a comparison goes to and fro between, made once in this JVM. */
  private static final Map<RuleSet, Made> MADE = new HashMap<>();

  private static volatile AgentRules agent;

  private record Made(
      IntentionTable table,
      ConsulId.Service[] callers,
      String[] paths,
      HttpRequestView[] views,
      GrpcRules grpc) {}

  private Made made;
  private int next;

  /** The agent that the side of the same name asks; it holds the rules of one set. */
  static void agent(AgentRules started) {
    agent = started;
  }

  /** Makes the rules and questions, and checks that both in the process allow them. */
  @Setup
  public void fill() {
    synchronized (MADE) {
      made = MADE.computeIfAbsent(new RuleSet(shape, rules), RulesBenchmark::make);
    }
  }

  private static Made make(RuleSet set) {
    ConsulId.Service[] callers = new ConsulId.Service[RuleSet.QUESTIONS];
    String[] paths = new String[RuleSet.QUESTIONS];
    HttpRequestView[] views = new HttpRequestView[RuleSet.QUESTIONS];
    IntentionTable table = set.table();
    GrpcRules grpc = new GrpcRules(set);
    for (int i = 0; i < RuleSet.QUESTIONS; i++) {
      int rule = set.ruleOf(i);
      callers[i] = RuleSet.id(set.callerOf(rule));
      paths[i] = set.pathOf(rule);
      views[i] = RuleSet.view(paths[i]);
      if (!table.decide(callers[i], views[i]).isAllowed() || !grpc.allows(i)) {
        throw new IllegalStateException("expected that all allow question " + i + " of " + set);
      }
    }
    return new Made(table, callers, paths, views, grpc);
  }

  private int question() {
    next = (next + 1) & (RuleSet.QUESTIONS - 1);
    return next;
  }

  private static void require(boolean allowed) {
    if (!allowed) {
      throw new IllegalStateException("expected what is measured to be allowed");
    }
  }

  /** Ours, over a request whose view is there. */
  @Benchmark
  public void mesh() {
    int question = question();
    require(made.table().decide(made.callers()[question], made.views()[question]).isAllowed());
  }

  /** Ours, from the raw request. */
  @Benchmark
  public void meshFromRaw(Blackhole hole) {
    int question = question();
    HttpRequestView view = RuleSet.view(made.paths()[question]);
    hole.consume(view);
    require(made.table().decide(made.callers()[question], view).isAllowed());
  }

  /** grpc-java's engine, over metadata and a call that are there. */
  @Benchmark
  public void grpc() {
    require(made.grpc().allows(question()));
  }

  /** The agent's {@code authorize}. */
  @Benchmark
  public void agent() throws IOException {
    require(agent.allows(question()));
  }
}
