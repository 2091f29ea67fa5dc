package io.meshnative.okhttp;

import io.meshnative.discovery.Destination;
import io.meshnative.okhttp.MeshCallOptions.Border;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.jspecify.annotations.Nullable;

/**
 * Where a response sends its caller.
 *
 * @param border what lies between; empty where it leads back to the same service, or stays outside
 * @param code the response's status
 * @param from the URL that was asked
 * @param to the URL to ask next; {@code https} if it is of the mesh
 * @param method how {@code from} was asked
 * @param headers the response's
 */
record Redirect(
    Optional<Border> border, int code, HttpUrl from, HttpUrl to, String method, Headers headers) {
  private static final Set<Integer> CODES = Set.of(300, 301, 302, 303, 307, 308);

  /** Reads a response; null if it sends nobody anywhere. */
  static @Nullable Redirect of(Response response, MeshHosts hosts) throws UnknownHostException {
    String location = CODES.contains(response.code()) ? response.header("Location") : null;
    HttpUrl from = response.request().url();
    HttpUrl to = location == null ? null : from.resolve(location);
    if (to == null) {
      return null;
    }
    Optional<Destination> there = hosts.destination(to.host());
    return new Redirect(
        border(hosts.destination(from.host()), there),
        response.code(),
        from,
        there.isPresent() ? secured(to) : to,
        response.request().method(),
        response.headers());
  }

  private static Optional<Border> border(Optional<Destination> from, Optional<Destination> to) {
    if (from.equals(to)) {
      return Optional.empty();
    }
    if (from.isEmpty()) {
      return Optional.of(Border.INTO_MESH);
    }
    return Optional.of(to.isEmpty() ? Border.OUT_OF_MESH : Border.BETWEEN_SERVICES);
  }

  /** In the mesh, http means TLS too. */
  static HttpUrl secured(HttpUrl url) {
    return url.isHttps() ? url : url.newBuilder().scheme("https").build();
  }

  boolean changesScheme() {
    return !from.scheme().equals(to.scheme());
  }

  /** 307 and 308 repeat the request as it was; of the others a GET is made (RFC 9110 §15.4). */
  private boolean repeats() {
    return code == 307 || code == 308 || method.equals("PROPFIND");
  }

  /** Whether it would repeat a body that cannot be sent twice. OkHttp follows no such redirect. */
  boolean isBeyond(Request request) {
    RequestBody body = request.body();
    return repeats() && body != null && body.isOneShot();
  }

  /**
   * The request that follows, on the other side of a border.
   *
   * @param request as the application made it: interceptors below will do their part again
   */
  Request follow(Request request) {
    Request.Builder next =
        request
            .newBuilder()
            .url(to)
            .removeHeader("Authorization")
            .removeHeader("Cookie")
            .removeHeader("Host");
    if (method.equals("GET") || method.equals("HEAD")) {
      next.method(method, null);
    } else if (repeats()) {
      RequestBody body = request.body();
      next.method(method, body == null ? RequestBody.EMPTY : body);
    } else {
      next.method("GET", null);
    }
    if (!repeats()) {
      next.removeHeader("Transfer-Encoding")
          .removeHeader("Content-Length")
          .removeHeader("Content-Type");
    }
    return next.build();
  }

  /** The response that sent us, as those behind it remember it: as it came, without a body. */
  Response asPrior(Response response) {
    return response.newBuilder().headers(headers).body(ResponseBody.EMPTY).build();
  }

  /** A response after another one. */
  static Response after(@Nullable Response prior, Response response) {
    if (prior == null) {
      return response;
    }
    Response own = response.priorResponse();
    return response.newBuilder().priorResponse(own == null ? prior : after(prior, own)).build();
  }
}
