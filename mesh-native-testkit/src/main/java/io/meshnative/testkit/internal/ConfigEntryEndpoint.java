package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ConfigEntries.Entry;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reading and writing config entries; {@link IntentionEntries} does those of intentions. */
final class ConfigEntryEndpoint implements Endpoint {
  private static final String INTENTIONS = "service-intentions";

  private final Plane plane;
  private final IntentionEntries intentions;

  ConfigEntryEndpoint(Plane plane) {
    this.plane = plane;
    this.intentions = new IntentionEntries(plane);
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    if (request.path().equals("/v1/config")) {
      Plane.allowOnly(request, "PUT");
      return put(request);
    }
    if (!request.path().startsWith("/v1/config/")) {
      return null;
    }
    String kind = request.segment(2);
    String name = request.segment(3);
    requireKind(kind, 500, "");
    Rights rights = plane.rights(request);
    if (name.isEmpty()) {
      Plane.allowOnly(request, "GET");
      return kind.equals(INTENTIONS) ? intentions.list(request) : list(request, kind);
    }
    Plane.allowOnly(request, "GET", "DELETE");
    if (request.method().equals("DELETE")) {
      Rights.require(mayWrite(rights, kind, name));
      delete(kind, name);
      return ApiResponse.json(Json.object());
    }
    Rights.require(mayRead(rights, kind, name));
    return kind.equals(INTENTIONS) ? intentions.get(request, name) : get(request, kind, name);
  }

  /** What concerns all proxies may be read by everybody (h). */
  static boolean mayRead(Rights rights, String kind, String name) {
    return switch (kind) {
      case INTENTIONS -> rights.intentionRead(name);
      case ConfigEntries.PROXY_DEFAULTS, "mesh" -> true;
      default -> rights.serviceRead(name);
    };
  }

  private static boolean mayWrite(Rights rights, String kind, String name) {
    return switch (kind) {
      case INTENTIONS -> rights.intentionWrite(name);
      case ConfigEntries.PROXY_DEFAULTS, "mesh" -> rights.operatorWrite();
      default -> rights.serviceWrite(name);
    };
  }

  private void requireKind(String kind, int status, String prefix) {
    if (!EntrySchema.knows(kind, plane.settings.old())) {
      throw new ApiError(status, prefix + "invalid config entry kind: " + kind);
    }
  }

  private ApiResponse put(ApiRequest request) {
    JsonObject body;
    try {
      body = JsonObject.parse(request.body());
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
    if (!body.has("Kind")) {
      throw ApiError.badRequest(
          "Request decoding failed: Payload does not contain a kind/Kind key at the top level");
    }
    String kind = body.text("Kind");
    requireKind(kind, 400, "Bad request: Request decoding failed: ");
    long expected = casIndex(request);
    Rights.require(mayWrite(plane.rights(request), kind, body.text("Name")));
    if (kind.equals(INTENTIONS)) {
      return ApiResponse.json(intentions.put(body, expected));
    }
    Map<String, @Nullable Object> entry = EntrySchema.normalize(kind, plane.settings.old(), body);
    entry.remove("CreateIndex");
    entry.remove("ModifyIndex");
    String name = ConfigStore.checkedName(kind, entry);
    return ApiResponse.json(plane.config.put(kind, name, entry, expected));
  }

  private static long casIndex(ApiRequest request) {
    try {
      return request.has("cas") ? Long.parseLong(request.parameter("cas")) : -1;
    } catch (NumberFormatException e) {
      throw ApiError.badRequest("Failed to parse cas value: " + request.parameter("cas"));
    }
  }

  private void delete(String kind, String name) {
    if (kind.equals(INTENTIONS)) {
      plane.intentions.removeEntry(name);
    } else {
      plane.config.remove(kind, name);
    }
  }

  private ApiResponse get(ApiRequest request, String kind, String name)
      throws InterruptedException {
    plane.block(request, () -> plane.config.indexFor(kind, name), Plane::neverDue);
    return plane.snapshot(() -> {
      Optional<Entry> entry = plane.config.entries().entry(kind, name);
      ApiResponse response =
          entry.map(found -> ApiResponse.json(found.json())).orElseGet(() -> missing(kind, name));
      long index = entry.map(Entry::modifyIndex).orElseGet(plane::configIndex);
      return plane.query(response, index, true, "blocking-query");
    });
  }

  static ApiResponse missing(String kind, String name) {
    return ApiResponse.text(404, "Config entry not found for \"" + kind + "\" / \"" + name + "\"");
  }

  private ApiResponse list(ApiRequest request, String kind) throws InterruptedException {
    plane.block(request, plane::configIndex, Plane::neverDue);
    Rights rights = plane.rights(request);
    return plane.snapshot(() ->
        plane.query(
            ApiResponse.json(
                plane.config.entries().list(kind).stream()
                    .filter(entry -> mayRead(rights, kind, entry.name()))
                    .map(Entry::json)
                    .toList()),
            plane.configIndex(),
            true,
            "blocking-query"));
  }
}
