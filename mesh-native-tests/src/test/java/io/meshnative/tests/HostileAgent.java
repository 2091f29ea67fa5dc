package io.meshnative.tests;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An agent that passes on what an honest one says, but for calls that it has chosen: those it
 * answers with whatever comes to its mind, byte by byte below HTTP.
 */
final class HostileAgent implements AutoCloseable {
  /** What to write in place of an answer; ends by the exception that a caller who leaves causes. */
  interface Answer {
    void write(OutputStream out) throws IOException;
  }

  private record Mood(String pathPrefix, Answer answer) {}

  private final String honest;
  private final ServerSocket server;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicLong mostWritten = new AtomicLong();
  private final AtomicInteger cutOff = new AtomicInteger();
  private volatile Optional<Mood> mood = Optional.empty();
  private volatile boolean closed;

  HostileAgent(String honest) throws IOException {
    this.honest = honest;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    CompletableFuture<Void> unused = Background.run(this::accept);
  }

  String httpAddr() {
    return "127.0.0.1:" + server.getLocalPort();
  }

  /** Answers so to calls whose path begins so; ends the calls that wait. */
  void turn(String pathPrefix, Answer answer) throws IOException {
    mood = Optional.of(new Mood(pathPrefix, answer));
    cut();
  }

  void beHonest() {
    mood = Optional.empty();
  }

  /** The most bytes that anybody took of one hostile answer, those in the system's buffers too. */
  long mostWritten() {
    return mostWritten.get();
  }

  /** How many hostile answers nobody heard to their end. */
  int cutOff() {
    return cutOff.get();
  }

  private void cut() throws IOException {
    for (Socket socket : open) {
      socket.close();
    }
  }

  private void accept() {
    while (!closed) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        CompletableFuture<Void> unused = Background.run(() -> serve(socket));
      } catch (IOException e) {
        // Closed, or the caller has gone already.
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      String head = head(socket.getInputStream());
      String[] first = head.lines().findFirst().orElse("").split(" ");
      byte[] body = socket.getInputStream().readNBytes(length(head));
      Optional<Mood> now = mood.filter(m -> first[1].startsWith(m.pathPrefix));
      if (now.isPresent()) {
        try (Counted out = new Counted(socket.getOutputStream())) {
          now.get().answer.write(out);
        } catch (IOException e) {
          cutOff.incrementAndGet();
        }
        return;
      }
      passOn(first[0], first[1], body, socket.getOutputStream());
    } catch (IOException e) {
      // The caller has left.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      open.remove(socket);
    }
  }

  private static String head(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    String text = "";
    while (!text.endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the caller has left");
      }
      head.write(next);
      text = head.toString(StandardCharsets.US_ASCII);
    }
    return text;
  }

  private static int length(String head) {
    return head.lines()
        .filter(line -> line.regionMatches(true, 0, "Content-Length:", 0, 15))
        .mapToInt(line -> Integer.parseInt(line.substring(15).trim()))
        .findFirst()
        .orElse(0);
  }

  private void passOn(String method, String path, byte[] body, OutputStream out)
      throws IOException, InterruptedException {
    HttpResponse<byte[]> response =
        http.send(
            HttpRequest.newBuilder(URI.create("http://" + honest + path))
                .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    StringBuilder head = new StringBuilder("HTTP/1.1 " + response.statusCode() + " As told\r\n");
    response
        .headers()
        .map()
        .forEach((name, values) -> {
          if (name.toLowerCase(java.util.Locale.ROOT).startsWith("x-consul-")) {
            head.append(name).append(": ").append(values.get(0)).append("\r\n");
          }
        });
    head.append("Connection: close\r\nContent-Length: ").append(response.body().length);
    out.write(head.append("\r\n\r\n").toString().getBytes(StandardCharsets.US_ASCII));
    out.write(response.body());
  }

  /** Remembers how much could be written. */
  private final class Counted extends OutputStream {
    private final OutputStream to;
    private long written;

    Counted(OutputStream to) {
      this.to = to;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      to.write(bytes, offset, length);
      written += length;
      mostWritten.accumulateAndGet(written, Math::max);
    }
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Writes this again and again, in large pieces. */
  static void forEver(OutputStream out, String text, long atMost) throws IOException {
    byte[] once = ascii(text);
    byte[] many = new byte[Math.max(1, (64 << 10) / once.length) * once.length];
    for (int at = 0; at < many.length; at += once.length) {
      System.arraycopy(once, 0, many, at, once.length);
    }
    for (long written = 0; written < atMost; written += many.length) {
      out.write(many);
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    server.close();
    cut();
  }

  @Override
  public String toString() {
    return "hostile agent, " + Arrays.toString(new Object[] {mood});
  }
}
