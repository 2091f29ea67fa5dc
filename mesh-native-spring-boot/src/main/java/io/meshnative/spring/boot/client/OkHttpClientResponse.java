package io.meshnative.spring.boot.client;

import java.io.InputStream;
import okhttp3.Headers;
import okhttp3.Response;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.client.ClientHttpResponse;

/** A response of OkHttp's as Spring reads it. */
final class OkHttpClientResponse implements ClientHttpResponse {
  private final Response response;
  private final HttpHeaders headers;

  OkHttpClientResponse(Response response) {
    this.response = response;
    this.headers = headers(response.headers());
  }

  static HttpHeaders headers(Headers from) {
    HttpHeaders headers = new HttpHeaders();
    from.forEach(line -> headers.add(line.getFirst(), line.getSecond()));
    return HttpHeaders.readOnlyHttpHeaders(headers);
  }

  @Override
  public HttpStatusCode getStatusCode() {
    return HttpStatusCode.valueOf(response.code());
  }

  @Override
  public String getStatusText() {
    return response.message();
  }

  @Override
  public HttpHeaders getHeaders() {
    return headers;
  }

  @Override
  public InputStream getBody() {
    return response.body().byteStream();
  }

  @Override
  public void close() {
    response.close();
  }
}
