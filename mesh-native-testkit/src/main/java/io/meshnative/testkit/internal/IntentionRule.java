package io.meshnative.testkit.internal;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One intention: who may reach whom. Immutable.
 *
 * @param source the calling service, or {@code *}
 * @param destination the called service in the spelling of the entry, or {@code *}
 * @param action {@code allow} or {@code deny}; null where permissions decide
 * @param permissions layer-7 permissions as they came; null where the action decides
 * @param description empty if none
 * @param meta empty if none
 * @param raw served verbatim instead of everything else, for tests of unknown fields; else null
 * @param legacy made through the old API: shown with its id and times by 1.10, too
 */
public record IntentionRule(
    UUID id,
    String source,
    String destination,
    @Nullable String action,
    @Nullable List<?> permissions,
    String description,
    Map<String, @Nullable Object> meta,
    @Nullable Map<String, @Nullable Object> raw,
    boolean legacy,
    Instant createdAt,
    long createIndex,
    long modifyIndex) {

  /** The number that orders intentions; higher decides first (e.4). */
  public int precedence() {
    if (raw != null && raw.get("Precedence") instanceof Long number) {
      return number.intValue();
    }
    return precedenceOf(source, destination);
  }

  /** How exactly the names say whom they mean (e.4). */
  static int precedenceOf(String source, String destination) {
    int base = destination.equals("*") ? 6 : 9;
    return source.equals("*") ? base - 1 : base;
  }

  /** The same rule in an entry that has its own indexes. */
  IntentionRule indexed(long create, long modify) {
    return new IntentionRule(
        id,
        source,
        destination,
        action,
        permissions,
        description,
        meta,
        raw,
        legacy,
        createdAt,
        create,
        modify);
  }

  /** As {@code intentions/match} of the version shows it: field for field, in the agent's order. */
  public Map<String, @Nullable Object> json(boolean old) {
    if (raw != null) {
      return raw;
    }
    return old ? json18() : json110();
  }

  private Map<String, @Nullable Object> json18() {
    return Json.object(
        "ID",
        id.toString(),
        "Description",
        description,
        "SourceNS",
        "default",
        "SourceName",
        source,
        "DestinationNS",
        "default",
        "DestinationName",
        destination,
        "SourceType",
        "consul",
        "Action",
        action,
        "DefaultAddr",
        "",
        "DefaultPort",
        0,
        "Meta",
        meta,
        "Precedence",
        precedence(),
        "CreatedAt",
        createdAt.toString(),
        "UpdatedAt",
        createdAt.toString(),
        "Hash",
        hash(),
        "CreateIndex",
        createIndex,
        "ModifyIndex",
        modifyIndex);
  }

  private Map<String, @Nullable Object> json110() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    if (legacy) {
      json.put("CreatedAt", createdAt.toString());
      json.put("UpdatedAt", createdAt.toString());
      json.put("ID", id.toString());
    }
    if (!description.isEmpty()) {
      json.put("Description", description);
    }
    json.put("SourceNS", "default");
    json.put("SourceName", source);
    json.put("DestinationNS", "default");
    json.put("DestinationName", destination);
    json.put("SourceType", "consul");
    if (permissions == null) {
      json.put("Action", action);
    } else {
      json.put("Permissions", permissions);
    }
    if (!meta.isEmpty()) {
      json.put("Meta", meta);
    }
    json.put("Precedence", precedence());
    if (legacy) {
      json.put("Hash", hash());
    }
    json.put("CreateIndex", createIndex);
    json.put("ModifyIndex", modifyIndex);
    return json;
  }

  /** Opaque to readers; only its presence matters. */
  private String hash() {
    return java.util.Base64.getEncoder()
        .encodeToString(
            (id + source + destination + action).getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /** As a source of a {@code service-intentions} config entry. */
  public Map<String, @Nullable Object> sourceJson() {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("Name", source);
    if (permissions == null) {
      json.put("Action", action);
    } else {
      json.put("Permissions", permissions);
    }
    json.put("Precedence", precedence());
    if (legacy) {
      json.put("LegacyID", id.toString());
    }
    json.put("Type", "consul");
    if (!description.isEmpty()) {
      json.put("Description", description);
    }
    if (legacy) {
      if (!meta.isEmpty()) {
        json.put("LegacyMeta", meta);
      }
      json.put("LegacyCreateTime", createdAt.toString());
      json.put("LegacyUpdateTime", createdAt.toString());
    }
    return json;
  }
}
