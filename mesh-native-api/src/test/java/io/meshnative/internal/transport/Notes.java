package io.meshnative.internal.transport;

import io.meshnative.PeerRefusedException;
import java.io.IOException;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;

/** What an application saw, in order, in words that mean the same for every implementation. */
final class Notes {
  /**
   * One observation.
   *
   * @param what who did what
   * @param outcome a value, "done", or the family of an exception
   */
  record Note(String what, String outcome) {
    @Override
    public String toString() {
      return what + " → " + outcome;
    }
  }

  private final List<Note> notes = new ArrayList<>();
  private final AtomicInteger operations = new AtomicInteger();

  /** Something that may fail. */
  interface Action {
    void run() throws Exception;
  }

  List<Note> all() {
    return List.copyOf(notes);
  }

  /** How many calls on sockets and streams were made. */
  int operations() {
    return operations.get();
  }

  void counts(int calls) {
    operations.addAndGet(calls);
  }

  void add(String what, Object outcome) {
    notes.add(new Note(what, String.valueOf(outcome)));
  }

  /** Notes what a call gives, or how it fails. */
  void call(String what, Callable<?> call) {
    counts(1);
    add(what, outcome(call));
  }

  void run(String what, Action action) {
    call(
        what,
        () -> {
          action.run();
          return "done";
        });
  }

  static String outcome(Callable<?> call) {
    try {
      return String.valueOf(call.call());
    } catch (Exception e) {
      return family(e);
    }
  }

  static String family(Throwable failure) {
    if (failure instanceof SocketTimeoutException) {
      return "timeout";
    }
    if (failure instanceof PeerRefusedException) {
      return "refused by the peer";
    }
    if (failure instanceof SSLException) {
      return "TLS failure";
    }
    if (failure instanceof SocketException) {
      String text = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
      return text.contains("closed") || text.contains("shutdown") || text.contains("no more data")
          ? "closed here"
          : "network failure";
    }
    if (failure.getClass() == IOException.class && failure.getCause() instanceof IOException e) {
      return family(e); // other threads than the first get the reason of an ending as the cause
    }
    return failure.getClass().getSimpleName();
  }
}
