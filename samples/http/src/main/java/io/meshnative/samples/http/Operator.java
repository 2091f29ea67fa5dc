package io.meshnative.samples.http;

import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an operator would do with {@code consul config write}: say which paths of one service
 * another one may call. Applications do none of this.
 */
final class Operator {
  private static final String ENTRY = "/v1/config/service-intentions/";

  /** Where those of Consul 1.8 are, by an id that it makes. */
  private static final String LEGACY = "/v1/connect/intentions";

  private static final Pattern ID = Pattern.compile("\"ID\"\\s*:\\s*\"([^\"]+)\"");

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final URI address;
  private final String token;
  private String legacyId = "";

  Operator(URI address, String token) {
    this.address = address;
    this.token = token;
  }

  /** For agents that are reached over HTTP, as development agents are. */
  static Operator fromEnvironment() {
    ConsulConfig config = ConsulConfig.fromEnvironment();
    return new Operator(URI.create(config.address().toString()), config.currentToken().orElse(""));
  }

  /** Whether this Consul knows intentions with paths: those before 1.9 do not. */
  boolean knowsPaths() throws IOException {
    HttpResponse<String> answer = call("GET", "/v1/config/service-intentions", "");
    if (answer.statusCode() == 200) {
      return true;
    }
    if (answer.body().contains("invalid config entry kind")) {
      return false;
    }
    throw unexpected("GET", "/v1/config/service-intentions", answer);
  }

  /** Tells Consul that a service speaks HTTP, without which it takes no paths for it. */
  void speaksHttp(String service) throws IOException {
    require(
        "PUT",
        "/v1/config",
        """
        {"Kind":"service-defaults","Name":"%s","Protocol":"http"}\
        """
            .formatted(service));
  }

  /** Decides requests of one service to another by permissions, the first that matches. */
  void permit(String source, String destination, String permissions) throws IOException {
    require(
        "PUT",
        "/v1/config",
        """
        {"Kind":"service-intentions","Name":"%s","Sources":[{"Name":"%s","Permissions":[%s]}]}\
        """
            .formatted(destination, source, permissions));
  }

  /** Allows or denies whatever one service asks of another. */
  void decide(String source, String destination, String action, boolean paths) throws IOException {
    if (paths) {
      require(
          "PUT",
          "/v1/config",
          """
          {"Kind":"service-intentions","Name":"%s","Sources":[{"Name":"%s","Action":"%s"}]}\
          """
              .formatted(destination, source, action));
    } else {
      String intention =
          """
          {"SourceName":"%s","DestinationName":"%s","SourceType":"consul","Action":"%s"}\
          """
              .formatted(source, destination, action);
      if (legacyId.isEmpty()) {
        Matcher id = ID.matcher(require("POST", LEGACY, intention));
        if (!id.find()) {
          throw new IOException("expected the id of the intention that was made, found none");
        }
        legacyId = id.group(1);
      } else {
        require("PUT", LEGACY + "/" + legacyId, intention);
      }
    }
  }

  /** Takes back all of it. */
  void clear(String destination, boolean paths) throws IOException {
    if (paths) {
      require("DELETE", ENTRY + destination, "");
      require("DELETE", "/v1/config/service-defaults/" + destination, "");
    } else if (!legacyId.isEmpty()) {
      require("DELETE", LEGACY + "/" + legacyId, "");
    }
  }

  private String require(String method, String path, String body) throws IOException {
    HttpResponse<String> answer = call(method, path, body);
    if (answer.statusCode() != 200) {
      throw unexpected(method, path, answer);
    }
    return answer.body();
  }

  private static IOException unexpected(String method, String path, HttpResponse<String> answer) {
    return new IOException(
        "expected 200 from "
            + method
            + " "
            + path
            + ", found "
            + answer.statusCode()
            + ": "
            + answer.body());
  }

  private HttpResponse<String> call(String method, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address.resolve(path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (!token.isEmpty()) {
      request.header("X-Consul-Token", token);
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }
}
