package io.meshnative.tests;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The few calls of an agent's HTTP API with which tests set the scene. */
final class AgentApi {
  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  private final String address;
  private final String token;

  AgentApi(String address, String token) {
    this.address = address;
    this.token = token;
  }

  HttpResponse<String> send(String method, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(Duration.ofSeconds(30))
            .method(
                method,
                body.isEmpty()
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (!token.isEmpty()) {
      request.header("X-Consul-Token", token);
    }
    try {
      return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  String require(String method, String path, String body) throws IOException {
    HttpResponse<String> response = send(method, path, body);
    if (response.statusCode() != 200) {
      throw new IOException(
          method + " " + path + ": " + response.statusCode() + " " + response.body());
    }
    return response.body();
  }

  boolean authorize(String target, String clientUri) throws IOException {
    String body =
        require(
            "POST",
            "/v1/agent/connect/authorize",
            "{\"Target\":\""
                + target
                + "\",\"ClientCertURI\":\""
                + clientUri
                + "\",\"ClientCertSerial\":\"01\"}");
    return Boolean.parseBoolean(field(body, "Authorized"));
  }

  /** The first value of a field in a JSON text; good enough for answers that we know. */
  static String field(String json, String name) {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)\"?").matcher(json);
    if (!matcher.find()) {
      throw new IllegalStateException("expected a field " + name + " in " + json);
    }
    return matcher.group(1).trim();
  }
}
