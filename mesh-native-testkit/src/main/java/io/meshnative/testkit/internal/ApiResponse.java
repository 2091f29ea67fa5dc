package io.meshnative.testkit.internal;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An answer in the making: a status, headers in the agent's spelling, a body. */
final class ApiResponse {
  final int status;
  final String body;
  final Map<String, String> headers = new LinkedHashMap<>();

  private ApiResponse(int status, String contentType, String body) {
    this.status = status;
    this.body = body;
    if (!contentType.isEmpty()) {
      headers.put("Content-Type", contentType);
    }
    headers.put("Vary", "Accept-Encoding");
  }

  static ApiResponse json(@Nullable Object tree) {
    return new ApiResponse(200, "application/json", Json.write(tree));
  }

  static ApiResponse json(int status, @Nullable Object tree) {
    return new ApiResponse(status, "application/json", Json.write(tree));
  }

  static ApiResponse empty() {
    return new ApiResponse(200, "", "");
  }

  static ApiResponse typed(String contentType, String body) {
    return new ApiResponse(200, contentType, body);
  }

  /** The agent's multiplexer answers unknown paths, without any of the agent's headers. */
  static ApiResponse unknownPath() {
    ApiResponse response = new ApiResponse(404, "", "");
    response.headers.clear();
    return response;
  }

  static ApiResponse text(int status, String text) {
    return new ApiResponse(status, text.isEmpty() ? "" : "text/plain; charset=utf-8", text);
  }

  ApiResponse header(String name, String value) {
    headers.put(name, value);
    return this;
  }

  /** Says whether the agent's cache had the answer. A blocking call always reports a miss. */
  ApiResponse cache(boolean hit) {
    if (hit) {
      header("Age", "0");
    }
    return header("X-Cache", hit ? "HIT" : "MISS");
  }
}
