package io.meshnative.samples.quickstart;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an operator would do with the {@code consul} command: write intentions, rotate the CA. By
 * calls that every Consul from 1.8 on answers. Applications do none of this.
 */
final class ControlPlaneApi {
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
  private final URI address;
  private final String token;
  private final Map<String, String> intentionIds = new HashMap<>();

  private ControlPlaneApi(URI address, String token) {
    this.address = address;
    this.token = token;
  }

  static ControlPlaneApi of(URI address, String token) {
    return new ControlPlaneApi(address, token);
  }

  /** For agents that are reached over HTTP, as development agents are. */
  static ControlPlaneApi fromEnvironment() {
    ConsulConfig config = ConsulConfig.fromEnvironment();
    return new ControlPlaneApi(
        URI.create(config.address().toString()), config.currentToken().orElse(""));
  }

  /** A client of this control plane. */
  MeshClient.Builder client(String service) {
    return MeshClient.builder(service)
        .consul(ConsulConfig.builder().address(address.toString()).build());
  }

  void setIntention(String source, String destination, String action) throws IOException {
    String body =
        """
        {"SourceName":"%s","DestinationName":"%s","SourceType":"consul","Action":"%s"}\
        """
            .formatted(source, destination, action);
    String key = source + "/" + destination;
    String id = intentionIds.get(key);
    if (id == null) {
      intentionIds.put(key, field(call("POST", "/v1/connect/intentions", body), "ID"));
    } else {
      call("PUT", "/v1/connect/intentions/" + id, body);
    }
  }

  void removeIntention(String source, String destination) throws IOException {
    String id = intentionIds.remove(source + "/" + destination);
    if (id != null) {
      call("DELETE", "/v1/connect/intentions/" + id, "");
    }
  }

  /** Whether the CA of this control plane is there to be played with. */
  boolean mayRotate() throws IOException {
    return Boolean.parseBoolean(System.getenv("QUICKSTART_ROTATE_CA"))
        || Pattern.compile("\"DevMode\"\\s*:\\s*true")
            .matcher(call("GET", "/v1/agent/self", ""))
            .find();
  }

  /** Gives the CA a new key, and so a new root. */
  void rotateRoot() throws IOException {
    call(
        "PUT",
        "/v1/connect/ca/configuration",
        """
        {"Provider":"consul","Config":{"LeafCertTTL":"72h","RotationPeriod":"2160h","PrivateKey":"%s"}}\
        """
            .formatted(newKey()));
  }

  private static String newKey() throws IOException {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      byte[] pkcs8 = generator.generateKeyPair().getPrivate().getEncoded();
      String base64 =
          Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(pkcs8);
      String pem = "-----BEGIN PRIVATE KEY-----\n" + base64 + "\n-----END PRIVATE KEY-----\n";
      return pem.replace("\n", "\\n"); // as a JSON string holds it
    } catch (GeneralSecurityException e) {
      throw new IOException("expected to make a P-256 key", e);
    }
  }

  private String call(String method, String path, String body) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address.resolve(path))
            .timeout(Duration.ofSeconds(30))
            .method(method, HttpRequest.BodyPublishers.ofString(body));
    if (!token.isEmpty()) {
      request.header("X-Consul-Token", token);
    }
    try {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(
            "expected 200 from "
                + method
                + " "
                + path
                + ", found "
                + response.statusCode()
                + ": "
                + response.body());
      }
      return response.body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static String field(String json, String name) throws IOException {
    Matcher matcher = Pattern.compile("\"" + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
    if (!matcher.find()) {
      throw new IOException("expected a field " + name + ", found " + json);
    }
    return matcher.group(1);
  }
}
