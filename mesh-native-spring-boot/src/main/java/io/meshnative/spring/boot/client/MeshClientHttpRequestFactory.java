package io.meshnative.spring.boot.client;

import java.io.IOException;
import java.net.URI;
import okhttp3.OkHttpClient;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.ClientHttpRequest;
import org.springframework.http.client.ClientHttpRequestFactory;

/** Makes requests to mesh hosts by the mesh's client, and leaves all others to the one before. */
final class MeshClientHttpRequestFactory implements ClientHttpRequestFactory {
  private final ClientHttpRequestFactory others;
  private final OkHttpClient calls;
  private final Routing routing;

  MeshClientHttpRequestFactory(
      ClientHttpRequestFactory others, OkHttpClient calls, Routing routing) {
    this.others = others;
    this.calls = calls;
    this.routing = routing;
  }

  @Override
  public ClientHttpRequest createRequest(URI uri, HttpMethod method) throws IOException {
    return routing.intoMesh(uri)
        ? new OkHttpClientRequest(calls, uri, method)
        : others.createRequest(uri, method);
  }
}
