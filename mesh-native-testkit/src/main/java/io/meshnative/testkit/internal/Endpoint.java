package io.meshnative.testkit.internal;

import org.jspecify.annotations.Nullable;

/** A part of the agent's HTTP API. */
interface Endpoint {
  /**
   * Answers a request, or returns null where the path is not of this part. May block for as long as
   * the request's {@code wait} says.
   *
   * @throws ApiError for an answer that is not 200
   */
  @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException;
}
