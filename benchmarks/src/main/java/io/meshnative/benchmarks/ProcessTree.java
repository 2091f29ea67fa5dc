package io.meshnative.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * The CPU time of a process and of all that it has started: PostgreSQL serves each connection by a
 * process of its own, which may be gone when one looks.
 */
final class ProcessTree {
  /** What Linux counts in, for programs: a hundred a second on every architecture. */
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private static final int CPU_FIELDS = 4;

  /** The fields after the name of a program that come before its times: proc(5), 3 to 13. */
  private static final int FIELDS_BEFORE = 11;

  private ProcessTree() {}

  /** CPU time so far: its own, that of children that have ended, and that of those that run. */
  static long cpuNanos(Process process) throws IOException {
    long ticks = ticks(process.pid());
    for (ProcessHandle child : process.descendants().toList()) {
      ticks += ticks(child.pid());
    }
    return ticks * TICK_NANOS;
  }

  /** utime, stime, and both of the children that were waited for. */
  private static long ticks(long pid) throws IOException {
    String text;
    try {
      text = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    } catch (NoSuchFileException e) {
      return 0; // it has ended, and its parent has its times
    }
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
    long ticks = 0;
    for (int i = 0; i < CPU_FIELDS; i++) {
      ticks += Long.parseLong(fields[FIELDS_BEFORE + i]);
    }
    return ticks;
  }
}
