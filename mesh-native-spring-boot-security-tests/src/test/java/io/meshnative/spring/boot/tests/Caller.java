package io.meshnative.spring.boot.tests;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.time.Duration;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/** A service of the mesh that calls an application, and what it is told. */
final class Caller implements AutoCloseable {
  private final MeshClient mesh;
  private final OkHttpClient http;

  Caller(EmbeddedControlPlane plane, String service) throws Exception {
    mesh =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    mesh.awaitReady(Duration.ofSeconds(60));
    http = MeshOkHttp.install(new OkHttpClient.Builder(), mesh).build();
  }

  /** An answer, with the session that it came with. */
  record Answer(int code, String body, String session) {
    static Answer of(OkHttpClient http, Request request) throws IOException {
      try (Response response = http.newCall(request).execute()) {
        String session = "";
        for (String cookie : response.headers("Set-Cookie")) {
          if (cookie.startsWith("JSESSIONID=") || cookie.startsWith("SESSION=")) {
            session = cookie.substring(0, cookie.indexOf(';'));
          }
        }
        return new Answer(response.code(), response.body().string(), session);
      }
    }
  }

  Answer get(String path, String... headers) throws IOException {
    return Answer.of(http, request("https://shop.mesh" + path, headers).build());
  }

  static Request.Builder request(String url, String... headers) {
    Request.Builder request = new Request.Builder().url(url);
    for (int i = 0; i < headers.length; i += 2) {
      request.addHeader(headers[i], headers[i + 1]);
    }
    return request;
  }

  @Override
  public void close() {
    http.dispatcher().executorService().shutdown();
    http.connectionPool().evictAll();
    mesh.close();
  }
}
