package io.meshnative.benchmarks;

import java.util.List;
import okhttp3.Protocol;

/**
 * Requests over each path.
 *
 * @param title the first column of the table
 * @param engine the TLS provider on both sides, where the JVM does TLS
 * @param protocol which HTTP
 * @param callers how many threads call, one request at a time each
 */
record HttpComparison(String title, Engine engine, Protocol protocol, int callers) {

  /** Runs it, and returns the rows of the table and what else is to be said. */
  List<String> run(Comparison.Effort effort) throws Exception {
    try (HttpPaths paths = new HttpPaths(engine, protocol)) {
      return new PathComparison(title, callers).run(paths.all(), paths.missing(), effort);
    }
  }
}
