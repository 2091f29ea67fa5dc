package io.meshnative.internal.transport;

import io.meshnative.internal.transport.Notes.Note;
import io.meshnative.internal.transport.Stage.Cast;
import io.meshnative.internal.transport.Stage.Threads;
import io.meshnative.internal.transport.Tls.Vendor;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Where our sockets differ from the JDK's own on purpose: what is done (a regular expression,
 * without the side's name), what JSSE's socket makes of it, what ours does, and why. A difference
 * that is not here fails the test, as does a row that nothing shows any more.
 */
enum IntendedDifference {
  READ_AFTER_CLOSE(
      "reads( again)? after its close",
      "-1|TLS failure",
      "closed here",
      "as on a plain Socket; a loop that reads to the end must not take its own side's close for"
          + " the peer's"),
  AVAILABLE_AFTER_CLOSE(
      "has available after its close", "0", "closed here", "as on a plain Socket"),
  SHUTDOWN_AFTER_CLOSE(
      "shuts its (in|out)put after its close", "done", "closed here", "as on a plain Socket"),
  BIND_AGAIN(
      "binds again",
      "IOException",
      "network failure",
      "as on a plain Socket, whose failures are SocketExceptions"),
  TRUNCATION(
      "('s blocked read|reads|reads again) after END.*",
      "-1",
      "TLS failure",
      "an end of the TCP stream without close_notify may be an attacker's: it is never the end of"
          + " the data (RFC 8446 §6.1)"),
  TRUNCATION_ENDS(
      "is closed after END.*",
      "false",
      "true",
      "a truncated connection is over in both directions"),
  WRITE_AFTER_TRUNCATION(
      "writes after END.*",
      "done|closed here",
      "TLS failure",
      "a truncated connection is over in both directions, and says why"),
  REASON_STAYS(
      "(reads|reads again|writes) after (RESET|FORGED_RECORD)",
      "TLS failure|closed here",
      "network failure|TLS failure",
      "what ended the connection is told by each later call, not only by the first one"),
  SHUT_INPUT(
      "shuts its input",
      "TLS failure",
      "done",
      "as on a plain Socket: whoever wants no more input need not wait for the peer's close_notify"),
  NO_HALF_CLOSE(
      "answers",
      "done",
      "closed here",
      "BoringSSL answers a close_notify by its own, in TLS 1.3 too; the writer is told") {
    @Override
    boolean concerns(Cast cast, Threads threads) {
      return cast.vendor() == Vendor.CONSCRYPT && cast.tls13();
    }
  },
  NO_ANSWER_AFTER_HALF_CLOSE(
      "reads the answer", "true", "false", "see NO_HALF_CLOSE; the reader sees an orderly end") {
    @Override
    boolean concerns(Cast cast, Threads threads) {
      return NO_HALF_CLOSE.concerns(cast, threads);
    }
  },
  INTERRUPT_ENDS(
      "is closed by the interrupt",
      "false",
      "true",
      "the JDK closes the TCP socket of an interrupted virtual thread: JSSE's socket goes on to"
          + " look open") {
    @Override
    boolean concerns(Cast cast, Threads threads) {
      return threads == Threads.VIRTUAL;
    }
  };

  private static final Pattern SIDE = Pattern.compile("^(client|server) ?");

  private final Pattern what;
  private final Pattern jsse;
  private final Pattern ours;
  private final String why;

  IntendedDifference(String what, String jsse, String ours, String why) {
    this.what = Pattern.compile(what);
    this.jsse = Pattern.compile(jsse);
    this.ours = Pattern.compile(ours);
    this.why = why;
  }

  /** Whether it shows with this engine, version and kind of thread. */
  boolean concerns(Cast cast, Threads threads) {
    return true;
  }

  /** The row that a difference belongs to; empty if it is a defect. */
  static Optional<IntendedDifference> of(Note model, Note seen, Cast cast, Threads threads) {
    String what = SIDE.matcher(model.what()).replaceFirst("");
    return Arrays.stream(values())
        .filter(row -> row.concerns(cast, threads))
        .filter(row -> model.what().equals(seen.what()) && row.what.matcher(what).matches())
        .filter(row -> row.jsse.matcher(model.outcome()).matches())
        .filter(row -> row.ours.matcher(seen.outcome()).matches())
        .findFirst();
  }

  @Override
  public String toString() {
    return name() + ": JSSE " + jsse + ", ours " + ours + ", because " + why;
  }
}
