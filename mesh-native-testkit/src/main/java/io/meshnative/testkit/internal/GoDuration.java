package io.meshnative.testkit.internal;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go reads and writes them: {@code 10s}, {@code 1500ms}, {@code 1h30m}. */
public final class GoDuration {
  private static final Pattern PART = Pattern.compile("([0-9]+(?:\\.[0-9]*)?)(ns|us|µs|ms|s|m|h)");
  private static final Map<String, Long> NANOS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "µs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);

  private GoDuration() {}

  /** The duration, or nothing where Go would refuse the text. Negative ones are refused too. */
  public static Optional<Duration> parse(String text) {
    if (text.equals("0")) {
      return Optional.of(Duration.ZERO);
    }
    Matcher matcher = PART.matcher(text);
    BigDecimal nanos = BigDecimal.ZERO;
    int end = 0;
    while (end < text.length() && matcher.find(end) && matcher.start() == end) {
      long unit = NANOS.getOrDefault(matcher.group(2), 1L);
      nanos = nanos.add(new BigDecimal(matcher.group(1)).multiply(BigDecimal.valueOf(unit)));
      end = matcher.end();
    }
    if (end == 0 || end != text.length() || nanos.compareTo(BigDecimal.valueOf(1L << 62)) > 0) {
      return Optional.empty();
    }
    return Optional.of(Duration.ofNanos(nanos.longValue()));
  }

  /**
   * Writes a duration as Go's {@code String()} does: {@code 1.5s}, {@code 15m0s}, {@code 250ms}.
   */
  public static String text(Duration duration) {
    long nanos = duration.toNanos();
    if (nanos == 0) {
      return "0s";
    }
    if (nanos < 1_000_000_000L) {
      String unit = nanos < 1_000L ? "ns" : nanos < 1_000_000L ? "µs" : "ms";
      return plain(
              BigDecimal.valueOf(nanos).divide(BigDecimal.valueOf(NANOS.getOrDefault(unit, 1L))))
          + unit;
    }
    long hours = duration.toHours();
    long minutes = duration.toMinutesPart();
    BigDecimal seconds = BigDecimal.valueOf(nanos % 60_000_000_000L, 9);
    String tail = plain(seconds) + "s";
    if (hours > 0) {
      return hours + "h" + minutes + "m" + tail;
    }
    return minutes > 0 ? minutes + "m" + tail : tail;
  }

  private static String plain(BigDecimal number) {
    return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
  }

  /** Writes a duration in hours or seconds, whichever is exact. */
  public static String format(Duration duration) {
    long seconds = duration.toSeconds();
    return seconds % 3600 == 0 ? seconds / 3600 + "h" : seconds + "s";
  }
}
