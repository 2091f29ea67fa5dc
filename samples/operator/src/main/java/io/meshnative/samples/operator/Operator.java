package io.meshnative.samples.operator;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an operator would do with {@code consul config write}: say what one service may ask of
 * another one. Applications do none of this. For one thread.
 */
public final class Operator {
  private static final String CONFIG = "/v1/config";

  /** Where intentions of Consul 1.8 are, by an id that it makes. */
  private static final String LEGACY = "/v1/connect/intentions";

  private static final Pattern ID = Pattern.compile("\"ID\"\\s*:\\s*\"([^\"]+)\"");

  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final URI address;
  private final String token;

  /** The paths of what was written, the last first: permissions go before their protocol. */
  private final Deque<String> written = new ArrayDeque<>();

  private final Map<String, String> legacyIds = new HashMap<>();

  Operator(URI address, String token) {
    this.address = address;
    this.token = token;
  }

  /**
   * Asks what this Consul knows.
   *
   * @return whether it takes intentions with permissions: those before 1.9 do not
   * @throws IOException if it does not say
   */
  public boolean knowsPermissions() throws IOException {
    String path = CONFIG + "/service-intentions";
    HttpResponse<String> answer = call("GET", path, "");
    if (answer.statusCode() == 200) {
      return true;
    }
    if (answer.body().contains("invalid config entry kind")) {
      return false;
    }
    throw unexpected("GET", path, answer);
  }

  /**
   * Tells Consul which protocol a service speaks, without which it takes no permissions for it.
   *
   * @param service the service
   * @param protocol {@code http} or {@code grpc}
   * @throws IOException if Consul refuses
   */
  public void speaks(String service, String protocol) throws IOException {
    write(
        "service-defaults",
        service,
        """
        {"Kind":"service-defaults","Name":"%s","Protocol":"%s"}\
        """
            .formatted(service, protocol));
  }

  /**
   * Decides requests of one service to another by permissions, the first that matches.
   *
   * @param source who calls
   * @param destination who is called
   * @param permissions members of a JSON array
   * @throws IOException if Consul refuses
   */
  public void permit(String source, String destination, String permissions) throws IOException {
    write(
        "service-intentions",
        destination,
        """
        {"Kind":"service-intentions","Name":"%s","Sources":[{"Name":"%s","Permissions":[%s]}]}\
        """
            .formatted(destination, source, permissions));
  }

  /**
   * Allows or denies whatever one service asks of another.
   *
   * @param source who calls
   * @param destination who is called
   * @param action {@code allow} or {@code deny}
   * @throws IOException if Consul refuses
   */
  public void decide(String source, String destination, String action) throws IOException {
    if (knowsPermissions()) {
      write(
          "service-intentions",
          destination,
          """
          {"Kind":"service-intentions","Name":"%s","Sources":[{"Name":"%s","Action":"%s"}]}\
          """
              .formatted(destination, source, action));
    } else {
      decideAsBefore(
          source + " " + destination,
          """
          {"SourceName":"%s","DestinationName":"%s","SourceType":"consul","Action":"%s"}\
          """
              .formatted(source, destination, action));
    }
  }

  private void decideAsBefore(String pair, String intention) throws IOException {
    String known = legacyIds.get(pair);
    if (known != null) {
      require("PUT", LEGACY + "/" + known, intention);
      return;
    }
    Matcher id = ID.matcher(require("POST", LEGACY, intention));
    if (!id.find()) {
      throw new IOException("expected the id of the intention that was made, found none");
    }
    legacyIds.put(pair, id.group(1));
    written.push(LEGACY + "/" + id.group(1));
  }

  private void write(String kind, String name, String entry) throws IOException {
    require("PUT", CONFIG, entry);
    String path = CONFIG + "/" + kind + "/" + name;
    if (!written.contains(path)) {
      written.push(path);
    }
  }

  /**
   * Takes back all that was written.
   *
   * @throws IOException if Consul refuses
   */
  public void clear() throws IOException {
    while (!written.isEmpty()) {
      require("DELETE", written.pop(), "");
    }
    legacyIds.clear();
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
