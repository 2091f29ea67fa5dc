package io.meshnative.spring.boot.starter;

import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import com.squareup.moshi.JsonAdapter;
import com.squareup.moshi.Moshi;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A headless Chromium with one page, driven by its DevTools protocol. Found by {@code
 * -Dmesh.it.chromium=…}, else on the PATH; where there is none, the test is skipped and says so, or
 * fails where {@code -Dmesh.it.required=true}.
 */
final class Chromium implements AutoCloseable {
  private static final Duration GUARD = Duration.ofSeconds(120);

  private final JsonAdapter<Object> json = new Moshi.Builder().build().adapter(Object.class);
  private final Path profile;
  private final Process process;
  private final OkHttpClient http = new OkHttpClient();
  private final WebSocket socket;
  private final AtomicInteger number = new AtomicInteger();
  private final Map<Integer, CompletableFuture<Map<?, ?>>> answers = new ConcurrentHashMap<>();
  private final List<Map<?, ?>> events = new CopyOnWriteArrayList<>();
  private final String session;

  private Chromium(Path profile, Process process, String address) throws IOException {
    this.profile = profile;
    this.process = process;
    this.socket = http.newWebSocket(new Request.Builder().url(address).build(), new Listener());
    Map<?, ?> target = send(null, "Target.createTarget", Map.of("url", "about:blank"));
    Map<?, ?> attached =
        send(
            null,
            "Target.attachToTarget",
            Map.of("targetId", String.valueOf(target.get("targetId")), "flatten", true));
    this.session = String.valueOf(attached.get("sessionId"));
    for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
      call(domain + ".enable", Map.of());
    }
  }

  static Chromium start() throws IOException {
    Path binary = find().orElse(null);
    if (binary == null) {
      String why =
          "no chromium binary: put one on the PATH or give -Dmesh.it.chromium=/path/to/chromium";
      if (Boolean.getBoolean("mesh.it.required")) {
        fail(why);
      }
      abort("skipped, because there is " + why);
    }
    Path profile = Files.createTempDirectory("mesh-chromium");
    // Root has no sandbox; it shows our own page only, and what else it would fetch is switched
    // off.
    Process process =
        new ProcessBuilder(
                String.valueOf(binary),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-sync",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-default-apps",
                "--no-default-browser-check",
                "--no-first-run",
                "--no-proxy-server",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("log").toFile())
            .start();
    try {
      Path told = profile.resolve("DevToolsActivePort");
      Awaitility.await("Chromium tells its port")
          .atMost(GUARD)
          .until(() -> {
            if (!process.isAlive()) {
              throw new IllegalStateException(
                  "expected Chromium to run, found " + Files.readString(profile.resolve("log")));
            }
            return Files.exists(told) && Files.readAllLines(told).size() >= 2;
          });
      List<String> lines = Files.readAllLines(told);
      return new Chromium(profile, process, "ws://127.0.0.1:" + lines.get(0) + lines.get(1));
    } catch (RuntimeException | IOException e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static Optional<Path> find() {
    String given = System.getProperty("mesh.it.chromium", "");
    if (!given.isBlank()) {
      return Optional.of(Path.of(given));
    }
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .flatMap(directory ->
            Stream.of("chromium", "chromium-browser", "google-chrome")
                .map(name -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private final class Listener extends WebSocketListener {
    @Override
    public void onMessage(WebSocket from, String text) {
      Map<?, ?> message;
      try {
        message = (Map<?, ?>) Objects.requireNonNull(json.fromJson(text));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      if (message.get("id") instanceof Number id) {
        CompletableFuture<Map<?, ?>> answer = answers.remove(id.intValue());
        if (answer != null) {
          answer.complete(message);
        }
      } else {
        events.add(message);
      }
    }

    @Override
    public void onFailure(WebSocket from, Throwable failure, @Nullable Response response) {
      answers.values().forEach(answer -> answer.completeExceptionally(failure));
    }
  }

  Map<?, ?> call(String method, Map<String, ?> parameters) {
    return send(session, method, parameters);
  }

  private Map<?, ?> send(@Nullable String to, String method, Map<String, ?> parameters) {
    Map<String, Object> message = new LinkedHashMap<>();
    int id = number.incrementAndGet();
    message.put("id", id);
    message.put("method", method);
    message.put("params", parameters);
    if (to != null) {
      message.put("sessionId", to);
    }
    CompletableFuture<Map<?, ?>> answer = new CompletableFuture<>();
    answers.put(id, answer);
    socket.send(json.toJson(message));
    try {
      Map<?, ?> got = answer.get(GUARD.toSeconds(), TimeUnit.SECONDS);
      if (got.get("result") instanceof Map<?, ?> result) {
        return result;
      }
      throw new IllegalStateException("expected " + method + " to succeed, found " + got);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("expected an answer to " + method, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** What came of one kind of event since the last {@link #forget}. */
  List<Map<?, ?>> events(String method) {
    List<Map<?, ?>> found = new ArrayList<>();
    for (Map<?, ?> event : events) {
      if (method.equals(event.get("method"))) {
        found.add((Map<?, ?>) event.get("params"));
      }
    }
    return found;
  }

  void forget() {
    events.clear();
  }

  /** Goes to an address, and waits until it is loaded. */
  void open(String url) {
    loading(() -> call("Page.navigate", Map.of("url", url)));
  }

  /** Does what leads to another page, and waits until that is loaded. */
  void loading(Runnable action) {
    int before = events("Page.loadEventFired").size();
    action.run();
    Awaitility.await("the page is loaded")
        .atMost(GUARD)
        .until(() -> events("Page.loadEventFired").size() > before);
  }

  /** The value of an expression in the page. */
  @Nullable Object evaluate(String script) {
    Map<?, ?> result =
        call("Runtime.evaluate", Map.of("expression", script, "returnByValue", true));
    if (result.containsKey("exceptionDetails")) {
      throw new IllegalStateException("expected a value of " + script + ", found " + result);
    }
    return ((Map<?, ?>) Objects.requireNonNull(result.get("result"))).get("value");
  }

  String text(String selector) {
    return String.valueOf(
        evaluate("document.querySelector('" + selector + "').innerText.replace(/\\s+/g,' ')"));
  }

  void screen(int width, int height, boolean phone, String scheme) {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
    call(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
  }

  @Override
  public void close() throws IOException {
    socket.cancel();
    http.dispatcher().executorService().shutdown();
    http.connectionPool().evictAll();
    List<ProcessHandle> children = process.descendants().toList();
    process.destroy();
    try {
      if (!process.waitFor(GUARD.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    children.forEach(ProcessHandle::destroyForcibly);
    try (Stream<Path> files = Files.walk(profile)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // A child that ends later may still write: the directory is a temporary one.
    }
  }
}
