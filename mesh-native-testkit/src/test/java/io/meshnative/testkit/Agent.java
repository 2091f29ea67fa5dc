package io.meshnative.testkit;

import io.meshnative.testkit.internal.Json;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** A plain HTTP client of the agent's API, as a test sees it. */
final class Agent {
  /** Far beyond what any test needs: a guard against hanging, not an expectation. */
  static final Duration GUARD = Duration.ofSeconds(60);

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final EmbeddedControlPlane plane;
  private final Map<String, String> headers;

  Agent(EmbeddedControlPlane plane) {
    this(plane, Map.of());
  }

  private Agent(EmbeddedControlPlane plane, Map<String, String> headers) {
    this.plane = plane;
    this.headers = headers;
  }

  /** The same client with a header on each request. */
  Agent with(String name, String value) {
    return new Agent(plane, Map.of(name, value));
  }

  /** The same client with a further header on each request. */
  Agent and(String name, String value) {
    Map<String, String> all = new java.util.LinkedHashMap<>(headers);
    all.put(name, value);
    return new Agent(plane, all);
  }

  /** The same client with a token; the empty one for none. */
  Agent withToken(String secret) {
    return secret.isEmpty() ? new Agent(plane) : with("X-Consul-Token", secret);
  }

  /** An answer. */
  record Answer(int status, Map<String, List<String>> headers, String body) {
    String header(String name) {
      return headers.getOrDefault(name.toLowerCase(java.util.Locale.ROOT), List.of("")).get(0);
    }

    long index() {
      return Long.parseLong(header("X-Consul-Index"));
    }

    @Nullable Object tree() {
      try {
        return Json.read(body);
      } catch (Json.MalformedJson e) {
        throw new AssertionError("not JSON: " + body, e);
      }
    }

    /** Follows keys and positions into the body. */
    @Nullable Object at(Object... path) {
      Object present = tree();
      for (Object step : path) {
        if (present instanceof List<?> list) {
          present = list.get((Integer) step);
        } else if (present instanceof Map<?, ?> map) {
          present = map.get(step);
        } else {
          throw new AssertionError("no " + step + " in " + present + " of " + body);
        }
      }
      return present;
    }

    String text(Object... path) {
      return String.valueOf(at(path));
    }

    List<?> list(Object... path) {
      return at(path) instanceof List<?> list ? list : List.of();
    }
  }

  private HttpRequest request(String method, String path, @Nullable String body) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(plane.address() + path));
    headers.forEach(builder::setHeader);
    return builder
        .timeout(GUARD)
        .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
        .build();
  }

  private static Answer answer(HttpResponse<String> response) {
    return new Answer(response.statusCode(), response.headers().map(), response.body());
  }

  Answer get(String path) {
    return call("GET", path, null);
  }

  Answer put(String path, String body) {
    return call("PUT", path, body);
  }

  Answer call(String method, String path, @Nullable String body) {
    try {
      return answer(client.send(request(method, path, body), BodyHandlers.ofString()));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Starts a call and comes back once the plane has it blocked. */
  CompletableFuture<Answer> blocked(String path) {
    int before = plane.blockedCalls();
    CompletableFuture<Answer> future = later(path);
    org.awaitility.Awaitility.await()
        .atMost(GUARD)
        .until(() -> plane.blockedCalls() > before || future.isDone());
    return future;
  }

  CompletableFuture<Answer> later(String path) {
    return client
        .sendAsync(request("GET", path, null), BodyHandlers.ofString())
        .thenApply(Agent::answer);
  }

  static Answer done(CompletableFuture<Answer> future) {
    try {
      return future.get(GUARD.toSeconds(), java.util.concurrent.TimeUnit.SECONDS);
    } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }

  Answer authorize(String source, String target) {
    String uri = "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/" + source;
    return authorizeUri(uri, target);
  }

  Answer authorizeUri(String uri, String target) {
    return call(
        "POST",
        "/v1/agent/connect/authorize",
        Json.write(Json.object("Target", target, "ClientCertURI", uri, "ClientCertSerial", "01")));
  }
}
