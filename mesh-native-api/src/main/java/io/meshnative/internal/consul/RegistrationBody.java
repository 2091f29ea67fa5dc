package io.meshnative.internal.consul;

import com.squareup.moshi.JsonWriter;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import okio.Buffer;
import okio.ByteString;

/** The JSON that enters a service, connect-native, with its checks. */
final class RegistrationBody {
  private RegistrationBody() {}

  /** Names the check at a place of the list. */
  static String checkId(String id, int place) {
    return id + "-check-" + (place + 1);
  }

  /**
   * Writes it.
   *
   * @param reported what TTL checks say now; registering sets them
   */
  static ByteString of(
      String service, String id, Registration registration, Check.Status reported) {
    Buffer buffer = new Buffer();
    try (JsonWriter json = JsonWriter.of(buffer)) {
      json.beginObject();
      json.name("Name").value(service);
      json.name("ID").value(id);
      json.name("Port").value(registration.port());
      String address = registration.address().orElse(null);
      if (address != null) {
        json.name("Address").value(address);
      }
      json.name("Tags").beginArray();
      for (String tag : registration.tags()) {
        json.value(tag);
      }
      json.endArray();
      json.name("Meta").beginObject();
      for (Map.Entry<String, String> entry : new TreeMap<>(registration.meta()).entrySet()) {
        json.name(entry.getKey()).value(entry.getValue());
      }
      json.endObject();
      json.name("Weights").beginObject();
      json.name("Passing").value(registration.weight());
      json.name("Warning").value(1); // given alone, Passing would store a Warning of 0
      json.endObject();
      json.name("Connect").beginObject().name("Native").value(true).endObject();
      List<Check> checks = registration.checks();
      if (!checks.isEmpty()) {
        json.name("Checks").beginArray();
        for (int i = 0; i < checks.size(); i++) {
          check(json, checkId(id, i), service, checks.get(i), reported);
        }
        json.endArray();
      }
      json.endObject();
    } catch (IOException e) {
      throw new IllegalStateException("expected that a buffer takes what is written", e);
    }
    return buffer.readByteString();
  }

  private static void check(
      JsonWriter json, String id, String service, Check check, Check.Status reported)
      throws IOException {
    boolean ttl = check.kind() == Check.Kind.TTL;
    json.beginObject();
    json.name("CheckID").value(id);
    json.name("Name").value(service + " " + check.kind());
    json.name("Status").value((ttl ? reported : check.initial()).text());
    json.name(check.kind().name()).value(ttl ? text(check.period()) : check.target());
    if (!ttl) {
      json.name("Interval").value(text(check.period()));
    }
    if (check.kind() == Check.Kind.GRPC) {
      json.name("GRPCUseTLS").value(check.tls());
    }
    if (check.timeout().isPresent()) {
      json.name("Timeout").value(text(check.timeout().get()));
    }
    if (check.deregisterAfter().isPresent()) {
      json.name("DeregisterCriticalServiceAfter").value(text(check.deregisterAfter().get()));
    }
    json.endObject();
  }

  private static String text(Duration duration) {
    return duration.toMillis() + "ms";
  }
}
