package io.meshnative.tests;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;

/**
 * Stands between a client and an agent: writes down what is asked, and does to some calls what
 * agents seldom do.
 */
final class AgentRelay implements AutoCloseable {
  private static final List<String> PASSED_ON =
      List.of(
          "X-Consul-Index", "X-Consul-KnownLeader", "X-Consul-Default-ACL-Policy", "Content-Type");

  private final String agent;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool(AgentRelay::daemon);
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<String> asked = new CopyOnWriteArrayList<>();
  private final List<Call> calls = new CopyOnWriteArrayList<>();
  private volatile Predicate<String> broken = path -> false;
  private volatile Predicate<String> hidden = path -> false;

  /** A call, of which {@code ended} tells whether it has its answer, or has none coming. */
  record Call(String path, String token, AtomicBoolean ended) {}

  AgentRelay(String agent) throws IOException {
    this.agent = agent;
    this.server = HttpServer.create(Cast.loopback(), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "relay");
    thread.setDaemon(true);
    return thread;
  }

  String httpAddr() {
    return "127.0.0.1:" + server.getAddress().getPort();
  }

  /** Path and query of every call so far, in the order of arrival. */
  List<String> asked() {
    return asked;
  }

  /** Every call so far, in the order of arrival. */
  List<Call> calls() {
    return calls;
  }

  /** Ends the connection of such calls without an answer. */
  void breakConnections(Predicate<String> which) {
    broken = which;
  }

  /** Answers such calls as an agent of 1.11 or newer does where the token may not see the rows. */
  void hideRows(Predicate<String> which) {
    hidden = which;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().toString();
    byte[] body = exchange.getRequestBody().readAllBytes();
    String token = exchange.getRequestHeaders().getFirst("X-Consul-Token");
    Call call = new Call(path, token == null ? "" : token, new AtomicBoolean());
    asked.add(path);
    calls.add(call);
    try {
      if (broken.test(path)) {
        return;
      }
      if (hidden.test(path)) {
        exchange.getResponseHeaders().set("X-Consul-Index", "7");
        exchange.getResponseHeaders().set("X-Consul-Results-Filtered-By-ACLs", "true");
        answer(exchange, 200, "[]".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        return;
      }
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("http://" + agent + path))
              .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
      if (token != null) {
        request.header("X-Consul-Token", token);
      }
      HttpResponse<byte[]> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      for (String name : PASSED_ON) {
        response
            .headers()
            .firstValue(name)
            .ifPresent(value -> exchange.getResponseHeaders().set(name, value));
      }
      answer(exchange, response.statusCode(), response.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      call.ended().set(true);
      exchange.close();
    }
  }

  private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
