package io.meshnative.tests;

import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;

/** OkHttp's clients for tests: they wait as long as a loaded machine takes. */
final class PatientHttp {
  private PatientHttp() {}

  /** One with connections of its own; closed with {@link #closing}. */
  static OkHttpClient.Builder builder() {
    return new OkHttpClient.Builder()
        .connectionPool(new ConnectionPool())
        .connectTimeout(Cast.GUARD)
        .writeTimeout(Cast.GUARD)
        .readTimeout(Cast.GUARD);
  }

  /** Closes what it holds with the cast. */
  static OkHttpClient closing(Cast cast, OkHttpClient http) {
    cast.keep(() -> {
      http.dispatcher().cancelAll();
      http.connectionPool().evictAll();
      http.dispatcher().executorService().shutdown();
    });
    return http;
  }
}
