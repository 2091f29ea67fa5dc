package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import io.meshnative.discovery.Endpoint;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One row of {@code GET /v1/health/connect}, as it stands: nothing is judged here but types. A
 * field of a wrong type makes the row unusable, not the answer.
 */
final class HealthRow {
  private static final String STRANGE = "a field has another type than Consul's";

  String node = "";
  String nodeAddress = "";
  String nodeWan = "";
  String datacenter = "";
  String kind = "";
  String instance = "";
  String service = "";
  String address = "";
  @Nullable Integer port = 0;
  String wanAddress = "";
  @Nullable Integer wanPort = 0;
  String socketPath = "";
  String namespace = "";
  String partition = "";
  String peer = "";
  String proxied = "";
  boolean isNative;
  @Nullable Integer passing = 1;
  @Nullable Integer warning = 1;
  boolean anyWarning;
  boolean anyCritical;
  @Nullable String problem;

  static HealthRow read(JsonReader reader) throws IOException {
    HealthRow row = new HealthRow();
    row.object(
        reader,
        name ->
            switch (name) {
              case "Node" -> row.object(reader, field -> row.node(reader, field));
              case "Service" -> row.object(reader, field -> row.service(reader, field));
              case "Checks" -> {
                if (row.is(reader, JsonReader.Token.BEGIN_ARRAY)) {
                  Json.array(reader, () -> row.object(reader, field -> row.check(reader, field)));
                }
                yield true;
              }
              default -> false;
            });
    return row;
  }

  private boolean node(JsonReader reader, String name) throws IOException {
    switch (name) {
      case "Node" -> node = text(reader);
      case "Address" -> nodeAddress = text(reader);
      case "Datacenter" -> datacenter = text(reader);
      case "Partition" -> partition = text(reader);
      case "PeerName" -> peer = text(reader);
      case "TaggedAddresses" ->
          object(
              reader,
              tag -> {
                if (!tag.equals("wan")) {
                  return false;
                }
                nodeWan = text(reader);
                return true;
              });
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean service(JsonReader reader, String name) throws IOException {
    switch (name) {
      case "Kind" -> kind = text(reader);
      case "ID" -> instance = text(reader);
      case "Service" -> service = text(reader);
      case "Address" -> address = text(reader);
      case "Port" -> port = number(reader);
      case "SocketPath" -> socketPath = text(reader);
      case "Namespace" -> namespace = text(reader);
      case "Partition" -> partition = text(reader);
      case "PeerName" -> peer = text(reader);
      case "TaggedAddresses" ->
          object(reader, tag -> tag.equals("wan") && object(reader, field -> wan(reader, field)));
      case "Proxy" ->
          object(
              reader,
              field -> {
                if (!field.equals("DestinationServiceName")) {
                  return false;
                }
                proxied = text(reader);
                return true;
              });
      case "Connect" ->
          object(
              reader,
              field -> {
                if (!field.equals("Native")) {
                  return false;
                }
                isNative = is(reader, JsonReader.Token.BOOLEAN) && reader.nextBoolean();
                return true;
              });
      case "Weights" -> object(reader, field -> weight(reader, field));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean wan(JsonReader reader, String name) throws IOException {
    switch (name) {
      case "Address" -> wanAddress = text(reader);
      case "Port" -> wanPort = number(reader);
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean weight(JsonReader reader, String name) throws IOException {
    switch (name) {
      case "Passing" -> passing = number(reader);
      case "Warning" -> warning = number(reader);
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean check(JsonReader reader, String name) throws IOException {
    if (!name.equals("Status")) {
      return false;
    }
    switch (text(reader)) {
      case "passing" -> {}
      case "warning" -> anyWarning = true;
      default -> anyCritical = true; // critical, maintenance, and what later versions may think of
    }
    return true;
  }

  /**
   * What is left of a share of the load: the weight by health, at most Consul's limit; below 1
   * means none.
   */
  int weight() {
    if (anyCritical) {
      return 0;
    }
    Integer weight = anyWarning ? warning : passing;
    return weight == null ? 0 : Math.min(weight, Endpoint.MAX_WEIGHT);
  }

  private boolean object(JsonReader reader, Json.Field field) throws IOException {
    if (is(reader, JsonReader.Token.BEGIN_OBJECT)) {
      Json.object(reader, field);
    }
    return true;
  }

  private String text(JsonReader reader) throws IOException {
    return is(reader, JsonReader.Token.STRING) ? reader.nextString() : "";
  }

  private @Nullable Integer number(JsonReader reader) throws IOException {
    return is(reader, JsonReader.Token.NUMBER) ? Json.integer(reader) : Integer.valueOf(0);
  }

  private boolean is(JsonReader reader, JsonReader.Token token) throws IOException {
    JsonReader.Token found = reader.peek();
    if (found == token) {
      return true;
    }
    if (found != JsonReader.Token.NULL) {
      problem = STRANGE;
    }
    reader.skipValue();
    return false;
  }
}
