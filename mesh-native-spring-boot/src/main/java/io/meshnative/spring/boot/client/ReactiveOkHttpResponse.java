package io.meshnative.spring.boot.client;

import java.nio.channels.Channels;
import okhttp3.Call;
import okhttp3.Cookie;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.client.reactive.AbstractClientHttpResponse;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;

/** A response of OkHttp's as Spring's reactive clients read it. */
final class ReactiveOkHttpResponse extends AbstractClientHttpResponse {
  private static final int CHUNK_BYTES = 16 * 1024;

  ReactiveOkHttpResponse(
      OkHttpClient calls, Call call, Response response, DataBufferFactory buffers) {
    super(
        HttpStatusCode.valueOf(response.code()),
        OkHttpClientResponse.headers(response.headers()),
        cookies(response),
        body(calls, call, response, buffers));
  }

  /**
   * Read on OkHttp's own threads, of which there are as many as needed: a stream that lasts keeps
   * one, and Reactor's few are not for that.
   */
  private static Flux<DataBuffer> body(
      OkHttpClient calls, Call call, Response response, DataBufferFactory buffers) {
    return DataBufferUtils.readByteChannel(
            () -> Channels.newChannel(response.body().byteStream()), buffers, CHUNK_BYTES)
        .subscribeOn(Schedulers.fromExecutorService(calls.dispatcher().executorService()))
        .doOnCancel(call::cancel);
  }

  private static MultiValueMap<String, ResponseCookie> cookies(Response response) {
    MultiValueMap<String, ResponseCookie> cookies = new LinkedMultiValueMap<>();
    for (Cookie cookie : Cookie.parseAll(response.request().url(), response.headers())) {
      cookies.add(
          cookie.name(),
          ResponseCookie.fromClientResponse(cookie.name(), cookie.value())
              .path(cookie.path())
              .secure(cookie.secure())
              .httpOnly(cookie.httpOnly())
              .build());
    }
    return cookies;
  }
}
