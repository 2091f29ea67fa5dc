package io.meshnative.tests;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An application that notes what a container shows it, the same on every container. What it does
 * depends on the path that it is given:
 *
 * <ul>
 *   <li>{@code …/hold} answers with a first line and the rest once it is {@link #release released};
 *   <li>{@code …/flood} answers with as much as the peer takes, and more;
 *   <li>{@code …/upload} reads as long as something comes and answers only then;
 *   <li>everything else reads the body and answers {@code seen}.
 * </ul>
 *
 * <p>The first three note how they ended: see {@link #ending}.
 */
final class RecordingApplication {
  /** A request, as a container shows it to an application. */
  interface Exchange {
    String method();

    /** The path that the container routes on: decoded, without query. */
    String path();

    /** To what the application is mapped that the container chose: {@code /} or {@code /admin}. */
    String mapping();

    /** Every header that the application can see; names in lower case. */
    Map<String, List<String>> headers();

    /** The SPIFFE id of the peer that the adapter gives to the application, null if it does not. */
    String peer();

    /** The name of the principal that the container shows, null if it shows none. */
    String principal();

    InputStream body() throws IOException;

    /** Sends the head; the body has the length that is given, or any where that is empty. */
    OutputStream respond(int status, Optional<Integer> length) throws IOException;
  }

  /**
   * What the application saw of one request.
   *
   * @param headers names in lower case, lines in order
   * @param body as ISO 8859-1; of an upload what had come when it was noted, so nothing
   */
  record Seen(
      String method,
      String path,
      String mapping,
      Map<String, List<String>> headers,
      String peer,
      String principal,
      String body) {}

  /**
   * How a held request ended.
   *
   * @param bytes how many bytes of body it had sent, or of an upload read
   * @param failure what its container threw at it, empty if it ended in peace
   */
  record Ending(String path, long bytes, Optional<Exception> failure) {}

  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private final BlockingQueue<Ending> endings = new LinkedBlockingQueue<>();
  private final BlockingQueue<Boolean> releases = new LinkedBlockingQueue<>();
  private final AtomicInteger running = new AtomicInteger();

  /** What reached the application since {@link #forget}, in order. */
  List<Seen> seen() {
    return List.copyOf(seen);
  }

  void forget() {
    seen.clear();
    endings.clear();
    releases.clear();
  }

  /** How many requests are in the application now. */
  int running() {
    return running.get();
  }

  /** Lets one held request go on. */
  void release() {
    releases.add(true);
  }

  /** Waits for the next held request, flood or upload to end. */
  Ending ending() throws InterruptedException {
    Ending ending = endings.poll(Cast.GUARD.toMillis(), TimeUnit.MILLISECONDS);
    if (ending == null) {
      throw new AssertionError("no request ended within " + Cast.GUARD);
    }
    return ending;
  }

  /** Called by the container, on a thread of its own. */
  void handle(Exchange exchange) throws IOException {
    running.incrementAndGet();
    try {
      String path = exchange.path();
      if (path.endsWith("/hold")) {
        note(exchange, body(exchange));
        held(exchange, this::hold);
      } else if (path.endsWith("/flood")) {
        note(exchange, body(exchange));
        held(exchange, RecordingApplication::flood);
      } else if (path.endsWith("/upload")) {
        note(exchange, "");
        held(exchange, RecordingApplication::upload);
      } else {
        note(exchange, body(exchange));
        byte[] answer = "seen\n".getBytes(StandardCharsets.ISO_8859_1);
        try (OutputStream out = exchange.respond(200, Optional.of(answer.length))) {
          if (!exchange.method().equals("HEAD")) {
            out.write(answer);
          }
        }
      }
    } finally {
      running.decrementAndGet();
    }
  }

  private void note(Exchange exchange, String body) {
    seen.add(
        new Seen(
            exchange.method(),
            exchange.path(),
            exchange.mapping(),
            exchange.headers(),
            exchange.peer(),
            exchange.principal(),
            body));
  }

  private static String body(Exchange exchange) throws IOException {
    return new String(exchange.body().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  private interface Work {
    void run(Exchange exchange, long[] bytes) throws IOException;
  }

  private void held(Exchange exchange, Work work) throws IOException {
    long[] bytes = new long[1];
    try {
      work.run(exchange, bytes);
      endings.add(new Ending(exchange.path(), bytes[0], Optional.empty()));
    } catch (IOException | RuntimeException e) {
      endings.add(new Ending(exchange.path(), bytes[0], Optional.of(e)));
      throw e;
    }
  }

  private void hold(Exchange exchange, long[] bytes) throws IOException {
    try (OutputStream out = exchange.respond(200, Optional.empty())) {
      write(out, "first\n", bytes);
      try {
        if (releases.poll(Cast.GUARD.toMillis(), TimeUnit.MILLISECONDS) == null) {
          throw new IllegalStateException("nobody released the request");
        }
      } catch (InterruptedException e) {
        throw new IOException("interrupted", e);
      }
      write(out, "second\n", bytes);
    }
  }

  private static void flood(Exchange exchange, long[] bytes) throws IOException {
    try (OutputStream out = exchange.respond(200, Optional.empty())) {
      String line = "x".repeat(8191) + "\n";
      while (true) {
        write(out, line, bytes);
      }
    }
  }

  private static void upload(Exchange exchange, long[] bytes) throws IOException {
    InputStream in = exchange.body();
    byte[] buffer = new byte[8192];
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
      bytes[0] += n;
    }
    exchange.respond(200, Optional.of(0)).close();
  }

  private static void write(OutputStream out, String text, long[] bytes) throws IOException {
    out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
    bytes[0] += text.length();
  }
}
