package io.meshnative.testkit.internal;

/** An answer that is not 200: Consul writes its errors as plain text. */
final class ApiError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  final int status;
  final String allow;
  private boolean query;

  ApiError(int status, String text) {
    this(status, text, "");
  }

  private ApiError(int status, String text, String allow) {
    super(text, null, false, false);
    this.status = status;
    this.allow = allow;
  }

  static ApiError badRequest(String text) {
    return new ApiError(400, "Bad request: " + text);
  }

  static ApiError methodNotAllowed(String method, String allowed) {
    return new ApiError(405, "method " + method + " not allowed", "OPTIONS," + allowed);
  }

  static ApiError permissionDenied() {
    return new ApiError(403, "Permission denied");
  }

  static ApiError unknownToken() {
    return new ApiError(403, "ACL not found");
  }

  /** The same, as the answer of a query that found no leader. */
  ApiError asQuery() {
    query = true;
    return this;
  }

  boolean isQuery() {
    return query;
  }

  ApiResponse response() {
    ApiResponse response = ApiResponse.text(status, String.valueOf(getMessage()));
    return allow.isEmpty() ? response : response.header("Allow", allow);
  }
}
