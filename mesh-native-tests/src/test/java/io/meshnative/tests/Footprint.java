package io.meshnative.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Assumptions;

/**
 * What this process holds now: threads, open files by kind, memory, and objects by class.
 *
 * <p>Native memory is measured by the objects that own it. A BoringSSL connection, key or context
 * is freed by its Java owner's {@code close} or finalizer and by nothing else, and an owner is gone
 * from the heap only after its finalizer has run: as many owners as before means as much native
 * memory as before, exactly. Resident memory, which allocators and the heap blur, is the coarse
 * second look.
 */
final class Footprint {
  private static final Path FILES = Path.of("/proc/self/fd");
  private static final Path STATUS = Path.of("/proc/self/status");

  /** {@code 12: 345 6789 class.Name (module)}. */
  private static final Pattern ROW = Pattern.compile("\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+(\\S+).*");

  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");

  private Footprint() {}

  /** Ends the current test as skipped where the system does not show what a process holds. */
  static void requireProc() {
    Assumptions.assumeTrue(
        Files.isDirectory(FILES) && Files.isReadable(STATUS),
        "skipped, because this system has no /proc/self to look at");
  }

  static List<String> threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(prefix))
        .sorted()
        .toList();
  }

  /** How many descriptors of each kind are open: sockets, pipes, event polls, files. */
  static Map<String, Integer> openFiles() {
    Map<String, Integer> kinds = new TreeMap<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(FILES)) {
      for (Path one : all) {
        kind(one).ifPresent(kind -> kinds.merge(kind, 1, Integer::sum));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return kinds;
  }

  private static java.util.Optional<String> kind(Path descriptor) throws IOException {
    try {
      String target = Files.readSymbolicLink(descriptor).toString();
      int colon = target.indexOf(':');
      return java.util.Optional.of(target.startsWith("/") ? "file" : target.substring(0, colon));
    } catch (NoSuchFileException e) {
      return java.util.Optional.empty(); // closed since it was listed, such as the listing's own
    }
  }

  static int openSockets() {
    return openFiles().getOrDefault("socket", 0);
  }

  /**
   * The resident memory of the process, heap included, after collections and, where the JDK can
   * (17.0.9), after the allocator has given back what it only keeps.
   */
  static long residentMegabytes() {
    collect();
    try {
      String unused = command("systemTrimNativeHeap");
    } catch (JMException e) {
      // An older JDK: the allowance of whoever asks has to cover it.
    }
    return resident();
  }

  private static String command(String name, Object... arguments) throws JMException {
    String[] types = new String[arguments.length];
    java.util.Arrays.fill(types, String[].class.getName());
    return (String)
        ManagementFactory.getPlatformMBeanServer()
            .invoke(
                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                name,
                arguments,
                types);
  }

  private static long resident() {
    try {
      Matcher line = RESIDENT.matcher(Files.readString(STATUS));
      if (!line.find()) {
        throw new IllegalStateException("expected a line VmRSS in " + STATUS);
      }
      return Long.parseLong(line.group(1)) / 1024;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The heap in use after a collection. */
  static long heapMegabytes() {
    collect();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() >> 20;
  }

  /** Twice, with the finalizers in between: what has one is gone at the second collection only. */
  static void collect() {
    System.gc();
    System.runFinalization();
    System.gc();
  }

  /** The classes whose instances own native memory of BoringSSL. */
  static boolean ownsNativeMemory(String className) {
    return className.startsWith("org.conscrypt.NativeRef")
        || className.startsWith("org.conscrypt.NativeSsl")
        || className.equals("org.conscrypt.ClientSessionContext")
        || className.equals("org.conscrypt.ServerSessionContext")
        || className.equals("org.conscrypt.OpenSSLKey")
        || className.equals("org.conscrypt.OpenSSLX509Certificate");
  }

  /** How many instances of some classes are reachable, or wait for their finalizer. */
  static Map<String, Long> instances(Predicate<String> which) {
    collect();
    String histogram;
    try {
      // The command collects first and counts what is left.
      histogram = command("gcClassHistogram", (Object) new String[0]);
    } catch (JMException e) {
      throw new IllegalStateException("expected a histogram of the heap", e);
    }
    Map<String, Long> counts = new TreeMap<>();
    histogram
        .lines()
        .map(ROW::matcher)
        .filter(Matcher::matches)
        .filter(row -> which.test(row.group(2)))
        .forEach(row -> counts.merge(row.group(2), Long.parseLong(row.group(1)), Long::sum));
    return counts;
  }
}
