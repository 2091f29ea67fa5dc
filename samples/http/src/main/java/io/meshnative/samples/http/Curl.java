package io.meshnative.samples.http;

import io.meshnative.MeshException;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** Makes requests and shows them as the command of this name would. */
final class Curl {
  /** What a request gave: a status, or 0 where the mesh refused the connection. */
  private record Outcome(int status, String shown) {}

  static final int REFUSED = 0;

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final OkHttpClient http;

  Curl(OkHttpClient http) {
    this.http = http;
  }

  /**
   * Makes a request until it gives what is expected, since the news of a change takes a moment, and
   * shows it once.
   */
  void expect(int status, String method, String url) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    Outcome outcome = call(method, url);
    while (outcome.status() != status && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
      outcome = call(method, url);
    }
    HttpSample.say("$ curl -i -X " + method + " " + url);
    HttpSample.say(outcome.shown());
    if (outcome.status() != status) {
      throw new IOException("expected " + status + ", found " + outcome.status());
    }
  }

  private Outcome call(String method, String url) throws IOException {
    RequestBody body = method.equals("GET") ? null : RequestBody.create(new byte[0]);
    Request request = new Request.Builder().url(url).method(method, body).build();
    try (Response response = http.newCall(request).execute()) {
      StringBuilder shown =
          new StringBuilder("  " + response.protocol() + " " + response.code() + "\n");
      String refusal = response.header("mesh-refusal");
      if (refusal != null) {
        shown.append("  mesh-refusal: ").append(refusal).append('\n');
      }
      shown.append("\n  ").append(response.body().string().strip()).append('\n');
      return new Outcome(response.code(), shown.toString());
    } catch (MeshException e) {
      return new Outcome(REFUSED, "  curl: refused: " + e.getMessage() + "\n");
    }
  }
}
