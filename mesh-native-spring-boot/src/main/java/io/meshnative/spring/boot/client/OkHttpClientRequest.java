package io.meshnative.spring.boot.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import okhttp3.OkHttpClient;
import okhttp3.RequestBody;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.StreamingHttpOutputMessage;
import org.springframework.http.client.AbstractClientHttpRequest;
import org.springframework.http.client.ClientHttpResponse;

/** A request of Spring's that OkHttp makes. A body is streamed where Spring can write it so. */
final class OkHttpClientRequest extends AbstractClientHttpRequest
    implements StreamingHttpOutputMessage {
  private final OkHttpClient calls;
  private final URI uri;
  private final HttpMethod method;
  private final ByteArrayOutputStream buffered = new ByteArrayOutputStream();
  private StreamingHttpOutputMessage.@Nullable Body streamed;

  OkHttpClientRequest(OkHttpClient calls, URI uri, HttpMethod method) {
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
  public void setBody(StreamingHttpOutputMessage.Body body) {
    assertNotExecuted();
    if (buffered.size() > 0) {
      throw new IllegalStateException("expected one body, found a second one after getBody()");
    }
    streamed = body;
  }

  @Override
  protected OutputStream getBodyInternal(HttpHeaders headers) {
    if (streamed != null) {
      throw new IllegalStateException("expected one body, found a second one after setBody(…)");
    }
    return buffered;
  }

  @Override
  protected ClientHttpResponse executeInternal(HttpHeaders headers) throws IOException {
    return new OkHttpClientResponse(
        calls.newCall(OkHttpRequests.of(uri, method, headers, body(headers))).execute());
  }

  private @Nullable RequestBody body(HttpHeaders headers) {
    StreamingHttpOutputMessage.Body body = streamed;
    if (body != null) {
      return new Streamed(body, headers.getContentLength());
    }
    return buffered.size() > 0 ? RequestBody.create(buffered.toByteArray()) : null;
  }

  /** Written when the connection is there; its media type is in the headers already. */
  private static final class Streamed extends RequestBody {
    private final StreamingHttpOutputMessage.Body body;
    private final long length;

    Streamed(StreamingHttpOutputMessage.Body body, long length) {
      this.body = body;
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

    @Override
    public boolean isOneShot() {
      return !body.repeatable();
    }

    @Override
    public void writeTo(BufferedSink sink) throws IOException {
      body.writeTo(sink.outputStream());
    }
  }
}
