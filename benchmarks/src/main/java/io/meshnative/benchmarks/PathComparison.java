package io.meshnative.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.util.ListStatistics;

/**
 * Calls on connections that are kept alive, over each path, in turns of a fraction of a second:
 * whatever happens to the machine happens to all. The order is drawn anew for each round, so that
 * no path always has its turn after the same other one.
 *
 * @param title the first column of the table
 * @param callers how many threads call, one call at a time each
 */
record PathComparison(String title, int callers) {
  private static final long AWAIT_SECONDS = 60;

  /**
   * What a turn showed.
   *
   * @param micros the time that it took, a request
   * @param cpuMicros the CPU time of all processes, a request
   * @param latencies of each request, in nanoseconds
   */
  private record Turn(double micros, double cpuMicros, long[] latencies) {}

  /**
   * Runs it.
   *
   * @param all ours first
   * @param missing which other paths there are not, and why
   * @param effort how long
   * @return the rows of the table and what else is to be said
   */
  List<String> run(List<? extends CallPath> all, List<String> missing, Comparison.Effort effort)
      throws Exception {
    return run(all, 1, missing, effort);
  }

  /**
   * Runs it with several paths that the others are compared with, a pair of columns each.
   *
   * @param all those that the others are compared with first
   * @param compared how many those are
   * @param missing which other paths there are not, and why
   * @param effort how long
   * @return the rows of the table and what else is to be said
   */
  List<String> run(
      List<? extends CallPath> all, int compared, List<String> missing, Comparison.Effort effort)
      throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(callers);
    try {
      for (CallPath path : all) {
        awaitReachable(path);
      }
      for (int i = 0; i < effort.warmups(); i++) {
        for (CallPath path : all) {
          turn(path, threads, effort.warmupMillis());
        }
      }
      Map<CallPath, List<Turn>> turns = new LinkedHashMap<>();
      all.forEach(path -> turns.put(path, new ArrayList<>()));
      List<CallPath> order = new ArrayList<>(all);
      Random random = new Random(effort.rounds()); // the same orders in each run
      for (int round = 0; round < effort.rounds(); round++) {
        Collections.shuffle(order, random);
        for (CallPath path : order) {
          turns.get(path).add(turn(path, threads, effort.turnMillis()));
        }
      }
      List<String> lines = new ArrayList<>();
      List<List<Turn>> ours = all.subList(0, compared).stream().map(turns::get).toList();
      turns.forEach((path, its) -> lines.add("row " + row(path, its, ours)));
      missing.forEach(why -> lines.add("agreed not compared: " + why));
      return lines;
    } finally {
      threads.shutdownNow();
    }
  }

  /** Proxies listen before they know where to, and let callers hang meanwhile. */
  private void awaitReachable(CallPath path) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(AWAIT_SECONDS);
    while (true) {
      try {
        path.call(2_000);
        return;
      } catch (IOException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  private Turn turn(CallPath path, ExecutorService threads, int millis) throws Exception {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpu = system.getProcessCpuTime() + path.othersCpuNanos();
    long begun = System.nanoTime();
    long end = begun + TimeUnit.MILLISECONDS.toNanos(millis);
    List<Future<long[]>> running = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      running.add(threads.submit(() -> calls(path, end)));
    }
    List<long[]> all = new ArrayList<>();
    for (Future<long[]> one : running) {
      all.add(one.get());
    }
    double took = System.nanoTime() - begun;
    double used = system.getProcessCpuTime() + path.othersCpuNanos() - cpu;
    long[] latencies = all.stream().flatMapToLong(Arrays::stream).toArray();
    return new Turn(took / latencies.length / 1000, used / latencies.length / 1000, latencies);
  }

  private long[] calls(CallPath path, long end) throws IOException {
    long[] latencies = new long[1024];
    int count = 0;
    for (long now = System.nanoTime(); now < end || count == 0; ) {
      path.call(0);
      long done = System.nanoTime();
      if (count == latencies.length) {
        latencies = Arrays.copyOf(latencies, 2 * count);
      }
      latencies[count++] = done - now;
      now = done;
    }
    return Arrays.copyOf(latencies, count);
  }

  private String row(CallPath path, List<Turn> its, List<List<Turn>> ours) {
    long[] latencies =
        its.stream().flatMapToLong(turn -> Arrays.stream(turn.latencies())).toArray();
    Arrays.sort(latencies);
    StringBuilder row = new StringBuilder();
    row.append(
        String.format(
            Locale.ROOT,
            "| %s, %s | %s | %,.0f | %,.0f | %,.0f |",
            title,
            path.name(),
            rate(1e6 / median(micros(its))),
            quantile(latencies, 0.50),
            quantile(latencies, 0.99),
            median(cpu(its))));
    for (List<Turn> one : ours) {
      boolean self = one.equals(its);
      row.append(
          String.format(
              " %s | %s |",
              self ? "" : "**" + Ratio.of(micros(one), micros(its)) + "**",
              self ? "" : Ratio.of(cpu(one), cpu(its))));
    }
    return row.toString();
  }

  private static String rate(double perSecond) {
    return String.format(Locale.ROOT, perSecond < 100 ? "%.1f" : "%,.0f", perSecond);
  }

  private static double[] micros(List<Turn> turns) {
    return turns.stream().mapToDouble(Turn::micros).toArray();
  }

  private static double[] cpu(List<Turn> turns) {
    return turns.stream().mapToDouble(Turn::cpuMicros).toArray();
  }

  private static double quantile(long[] sorted, double part) {
    return sorted[(int) (part * (sorted.length - 1))] / 1000.0;
  }

  private static double median(double[] values) {
    return new ListStatistics(values).getPercentile(50);
  }
}
