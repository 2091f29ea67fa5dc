package io.meshnative.spring.boot.client;

import java.io.IOException;
import java.net.URI;
import java.util.function.Function;
import okhttp3.OkHttpClient;
import org.springframework.http.HttpMethod;
import org.springframework.http.client.reactive.ClientHttpConnector;
import org.springframework.http.client.reactive.ClientHttpRequest;
import org.springframework.http.client.reactive.ClientHttpResponse;
import reactor.core.publisher.Mono;

/** Makes requests to mesh hosts by the mesh's client, and leaves all others to the one before. */
final class MeshClientHttpConnector implements ClientHttpConnector {
  private final ClientHttpConnector others;
  private final OkHttpClient calls;
  private final Routing routing;

  MeshClientHttpConnector(ClientHttpConnector others, OkHttpClient calls, Routing routing) {
    this.others = others;
    this.calls = calls;
    this.routing = routing;
  }

  @Override
  public Mono<ClientHttpResponse> connect(
      HttpMethod method, URI uri, Function<? super ClientHttpRequest, Mono<Void>> requestCallback) {
    boolean mesh;
    try {
      mesh = routing.intoMesh(uri);
    } catch (IOException e) {
      return Mono.error(e);
    }
    if (!mesh) {
      return others.connect(method, uri, requestCallback);
    }
    ReactiveOkHttpRequest request = new ReactiveOkHttpRequest(calls, uri, method);
    return requestCallback.apply(request).then(Mono.defer(request::send));
  }
}
