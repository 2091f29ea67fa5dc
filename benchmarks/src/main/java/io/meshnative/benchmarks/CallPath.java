package io.meshnative.benchmarks;

import java.io.IOException;
import java.util.List;

/** A way from a client in this JVM to a server in this JVM. */
interface CallPath {

  /** For the table. */
  String name();

  /**
   * One call, whose answer is checked.
   *
   * @param patienceMillis how long it may take; 0 for as long as it wants
   */
  void call(int patienceMillis) throws IOException;

  /** The processes in between. */
  List<Process> others();

  /** CPU time of the processes in between, so far. */
  default long othersCpuNanos() {
    return others().stream()
        .mapToLong(process -> process.info().totalCpuDuration().orElseThrow().toNanos())
        .sum();
  }
}
