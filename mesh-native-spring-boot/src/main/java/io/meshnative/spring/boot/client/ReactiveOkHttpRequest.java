package io.meshnative.spring.boot.client;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.util.Collection;
import java.util.Iterator;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.OkHttpClient;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpCookie;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.reactive.AbstractClientHttpRequest;
import org.springframework.http.client.reactive.ClientHttpResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * A request of Spring's reactive clients that OkHttp makes, on OkHttp's threads: the body is
 * subscribed to when the connection is there, with a few buffers on their way at most.
 */
final class ReactiveOkHttpRequest extends AbstractClientHttpRequest {
  private static final int BUFFERS_UNDER_WAY = 4;

  private final OkHttpClient calls;
  private final URI uri;
  private final HttpMethod method;
  private final DataBufferFactory buffers = DefaultDataBufferFactory.sharedInstance;
  private @Nullable Flux<DataBuffer> body;

  ReactiveOkHttpRequest(OkHttpClient calls, URI uri, HttpMethod method) {
    this.calls = calls;
    this.uri = uri;
    this.method = method;
  }

  @Override
  public HttpMethod getMethod() {
    return method;
  }

  @Override
  public URI getURI() {
    return uri;
  }

  @Override
  public DataBufferFactory bufferFactory() {
    return buffers;
  }

  @Override
  @SuppressWarnings("unchecked")
  public <T> T getNativeRequest() {
    return (T) this;
  }

  @Override
  public Mono<Void> writeWith(Publisher<? extends DataBuffer> content) {
    return doCommit(() -> {
      body = Flux.from(content);
      return Mono.empty();
    });
  }

  @Override
  public Mono<Void> writeAndFlushWith(
      Publisher<? extends Publisher<? extends DataBuffer>> content) {
    return writeWith(Flux.from(content).concatMap(Function.identity()));
  }

  @Override
  public Mono<Void> setComplete() {
    return doCommit();
  }

  @Override
  protected void applyHeaders() {
    // They are read when the request is sent.
  }

  @Override
  protected void applyCookies() {
    String cookies =
        getCookies().values().stream()
            .flatMap(Collection::stream)
            .map(HttpCookie::toString)
            .collect(Collectors.joining("; "));
    if (!cookies.isEmpty()) {
      getHeaders().add(HttpHeaders.COOKIE, cookies);
    }
  }

  /** Sends it; cancelling the result cancels the call. */
  Mono<ClientHttpResponse> send() {
    return Mono.create(sink -> {
      Flux<DataBuffer> content = body;
      RequestBody written =
          content == null ? null : new Written(content, getHeaders().getContentLength());
      try {
        Call call = calls.newCall(OkHttpRequests.of(uri, method, getHeaders(), written));
        sink.onCancel(call::cancel);
        call.enqueue(new Answer(sink));
      } catch (IOException | RuntimeException e) {
        sink.error(e);
      }
    });
  }

  private final class Answer implements Callback {
    private final MonoSink<ClientHttpResponse> sink;

    Answer(MonoSink<ClientHttpResponse> sink) {
      this.sink = sink;
    }

    @Override
    public void onFailure(Call call, IOException e) {
      sink.error(e);
    }

    @Override
    public void onResponse(Call call, Response response) {
      sink.success(new ReactiveOkHttpResponse(calls, call, response, buffers));
    }
  }

  private static final class Written extends RequestBody {
    private final Flux<DataBuffer> content;
    private final long length;

    Written(Flux<DataBuffer> content, long length) {
      this.content = content;
      this.length = length;
    }

    @Override
    public okhttp3.@Nullable MediaType contentType() {
      return null;
    }

    @Override
    public long contentLength() {
      return length;
    }

    /** A publisher may be subscribed to only once, as that of an upload that is passed on. */
    @Override
    public boolean isOneShot() {
      return true;
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
      OutputStream out = sink.outputStream();
      try (Stream<DataBuffer> stream = content.toStream(BUFFERS_UNDER_WAY)) {
        Iterator<DataBuffer> each = stream.iterator();
        while (each.hasNext()) {
          DataBuffer buffer = each.next();
          try {
            buffer.asInputStream().transferTo(out);
          } finally {
            DataBufferUtils.release(buffer);
          }
          sink.flush();
        }
      } catch (RuntimeException e) {
        throw e.getCause() instanceof IOException cause ? cause : new IOException(e);
      }
    }
  }
}
