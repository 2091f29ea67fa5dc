package io.meshnative.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * Calls of gRPC over each path.
 *
 * @param title the first column of the table
 * @param call what is called
 * @param callers how many threads call, one call at a time each: how many are in flight
 */
record GrpcComparison(String title, GrpcPath.GrpcCall call, int callers) {

  /** Runs it, and returns the rows of the table and what else is to be said. */
  List<String> run(Comparison.Effort effort) throws Exception {
    try (GrpcPaths paths = new GrpcPaths(call)) {
      List<String> lines =
          new ArrayList<>(
              new PathComparison(title, callers).run(paths.all(), paths.missing(), effort));
      paths.agreed().forEach(line -> lines.add("agreed " + line));
      return lines;
    }
  }
}
