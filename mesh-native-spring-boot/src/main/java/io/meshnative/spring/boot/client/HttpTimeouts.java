package io.meshnative.spring.boot.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.http.client.HttpClientSettings;
import org.springframework.boot.http.client.HttpRedirects;

/**
 * What of Boot's settings of an HTTP client concerns calls into the mesh. Its SSL bundle does not:
 * there the mesh's identity counts.
 *
 * @param connect how long a connection may take; the client's default if null
 * @param read how long the peer may be silent; the client's default if null
 * @param redirects whether redirects are followed
 */
record HttpTimeouts(@Nullable Duration connect, @Nullable Duration read, boolean redirects) {
  static HttpTimeouts of(@Nullable HttpClientSettings settings) {
    return settings == null
        ? new HttpTimeouts(null, null, true)
        : new HttpTimeouts(
            settings.connectTimeout(),
            settings.readTimeout(),
            settings.redirects() != HttpRedirects.DONT_FOLLOW);
  }
}
