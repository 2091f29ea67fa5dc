package io.meshnative.spring.boot.client;

import java.io.IOException;
import java.net.URI;
import java.util.Set;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.RequestBody;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;

/** Turns what Spring knows of a request into OkHttp's. */
final class OkHttpRequests {
  /** OkHttp wants a body for these, be it empty. */
  private static final Set<String> WITH_BODY = Set.of("POST", "PUT", "PATCH", "QUERY");

  private static final Set<String> WITHOUT_BODY = Set.of("GET", "HEAD");

  private OkHttpRequests() {}

  static Request of(URI uri, HttpMethod method, HttpHeaders headers, @Nullable RequestBody body)
      throws IOException {
    HttpUrl url = HttpUrl.get(uri);
    if (url == null) {
      throw new IOException("expected an http or https URL, found the scheme " + uri.getScheme());
    }
    if (body != null && WITHOUT_BODY.contains(method.name())) {
      throw new IOException("expected no body in a " + method + " request to " + uri.getHost());
    }
    RequestBody sent =
        body == null && WITH_BODY.contains(method.name()) ? RequestBody.create(new byte[0]) : body;
    Request.Builder request = new Request.Builder().url(url).method(method.name(), sent);
    headers.forEach((name, values) -> {
      if (!name.equalsIgnoreCase(HttpHeaders.CONTENT_LENGTH)) {
        values.forEach(value -> request.addHeader(name, value == null ? "" : value));
      }
    });
    return request.build();
  }
}
