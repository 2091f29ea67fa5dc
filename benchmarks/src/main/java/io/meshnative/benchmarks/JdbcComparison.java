package io.meshnative.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * A driver and a real database over each path.
 *
 * @param title the first column of the table
 * @param kind the database
 * @param work what is done again and again
 * @param callers how many threads do it, on a connection each
 */
record JdbcComparison(String title, Database.Kind kind, JdbcPath.Work work, int callers) {

  /** Runs it, and returns the rows of the table and what else is to be said. */
  List<String> run(Comparison.Effort effort) throws Exception {
    if (!Database.isThere(kind)) {
      return List.of("agreed not compared: " + kind.title() + ": none is installed");
    }
    try (JdbcPaths paths = new JdbcPaths(kind, work)) {
      List<String> lines =
          new ArrayList<>(
              new PathComparison(kind.title() + ", " + title, callers)
                  .run(paths.all(), paths.compared(), paths.missing(), effort));
      paths.agreed().forEach(line -> lines.add("agreed " + line));
      return lines;
    }
  }
}
