package io.meshnative.testkit.internal;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A token. Immutable.
 *
 * @param policies names of policies
 * @param serviceIdentities names of services
 * @param nodeIdentities names of nodes
 * @param authMethod what it was made by at a login; empty for none
 * @param expires null for never
 */
public record AclToken(
    String accessorId,
    String secretId,
    String description,
    List<String> policies,
    List<String> serviceIdentities,
    List<String> nodeIdentities,
    boolean local,
    String authMethod,
    Instant created,
    @Nullable Instant expires,
    long index) {

  /** As the agent shows it; the secret only where it is asked for by itself. */
  Map<String, @Nullable Object> json(boolean withSecret, Map<String, String> policyIds) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("AccessorID", accessorId);
    if (withSecret) {
      json.put("SecretID", secretId);
    }
    json.put("Description", description);
    if (!policies.isEmpty()) {
      json.put(
          "Policies",
          policies.stream()
              .map(name -> Json.object("ID", policyIds.getOrDefault(name, ""), "Name", name))
              .toList());
    }
    if (!serviceIdentities.isEmpty()) {
      json.put(
          "ServiceIdentities",
          serviceIdentities.stream().map(name -> Json.object("ServiceName", name)).toList());
    }
    if (!nodeIdentities.isEmpty()) {
      json.put(
          "NodeIdentities",
          nodeIdentities.stream()
              .map(name -> Json.object("NodeName", name, "Datacenter", "dc1"))
              .toList());
    }
    json.put("Local", local);
    if (!authMethod.isEmpty()) {
      json.put("AuthMethod", authMethod);
    }
    if (expires != null) {
      json.put("ExpirationTime", expires.toString());
    }
    json.put("CreateTime", created.toString());
    json.put(
        "Hash",
        Base64.getEncoder()
            .encodeToString((accessorId + description).getBytes(StandardCharsets.UTF_8)));
    json.put("CreateIndex", index);
    json.put("ModifyIndex", index);
    return json;
  }

  /** Never shows the secret. */
  @Override
  public String toString() {
    return "AclToken[" + accessorId + "]";
  }
}
