package io.meshnative.okhttp;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;

/** Answers each request with the same body. */
final class Always extends Dispatcher {
  private final String body;

  Always(String body) {
    this.body = body;
  }

  @Override
  public MockResponse dispatch(RecordedRequest request) {
    return new MockResponse.Builder().body(body).build();
  }
}
