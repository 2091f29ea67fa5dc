package io.meshnative.internal.consul;

import com.squareup.moshi.JsonDataException;
import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import okio.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Reads the answer of {@code GET /v1/connect/intentions/match}: an object of one field, named as
 * the service was given, with an array of intentions or null.
 *
 * <p>Two kinds of trouble are told apart. A body that is not such an object fails as a whole, and
 * the last good list stands. A rule that is not understood is kept with its defects, so that its
 * destination is denied: never is a rule skipped, for a deny that is skipped allows.
 */
final class IntentionDecoder {
  private static final String DEFAULT = "default";

  private final Set<String> tolerated;

  /**
   * Makes a decoder.
   *
   * @param tolerated unknown fields to ignore
   */
  IntentionDecoder(Set<String> tolerated) {
    this.tolerated = tolerated;
  }

  /**
   * Reads a body.
   *
   * @param what the call, for messages
   * @param body consumed
   * @param name the service as it was asked for
   * @return the intentions, in the agent's order
   * @throws ControlPlaneException if this is no list of intentions of that service
   */
  List<Intention> decode(String what, Buffer body, String name) throws ControlPlaneException {
    return Json.document(
        what,
        body,
        false,
        reader -> {
          List<Intention> intentions = new ArrayList<>();
          boolean[] found = {false};
          Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
          Json.object(
              reader,
              key -> {
                if (!key.equals(name)) {
                  throw new JsonDataException(
                      "expected the intentions of " + name + ", found those of another");
                }
                found[0] = true;
                DefectiveJson json = new DefectiveJson(reader, tolerated);
                Json.array(reader, () -> intentions.add(intention(json, name)));
                return true;
              });
          if (!found[0]) {
            // An object without the name is not the same as no intentions: those are a null.
            throw new JsonDataException(
                "expected the intentions of " + name + ", found none, not even null");
          }
          return intentions;
        });
  }

  private static Intention intention(DefectiveJson json, String asked) throws IOException {
    Parts parts = new Parts();
    PermissionDecoder permissions = new PermissionDecoder(json);
    json.object("the intention", name -> field(json, permissions, name, parts));
    return parts.build(json, asked);
  }

  /**
   * The fields of all versions. Those that decide nothing are read over; those not listed make a
   * defect.
   */
  private static boolean field(
      DefectiveJson json, PermissionDecoder permissions, String name, Parts parts)
      throws IOException {
    switch (name) {
      case "SourceNS" -> parts.sourceNamespace = json.text(name);
      case "SourceName" -> parts.sourceName = json.text(name);
      case "SourcePartition" -> parts.sourcePartition = json.text(name);
      case "SourcePeer" -> parts.sourcePeer = json.text(name);
      case "SourceSamenessGroup" -> parts.samenessGroup = json.text(name);
      case "SourceType" -> parts.sourceType = json.text(name);
      case "DestinationNS" -> parts.destinationNamespace = json.text(name);
      case "DestinationName" -> parts.destinationName = json.text(name);
      case "DestinationPartition" -> parts.destinationPartition = json.text(name);
      case "Action" -> parts.action = PermissionDecoder.action(json, name);
      case "Permissions" -> parts.permissions = permissions.permissions();
      case "JWT" -> parts.jwt = json.present();
      case "Precedence" -> parts.precedence = json.number(name);
      case "Description" -> parts.description = json.text(name);
      case "ID",
          "Meta",
          "Hash",
          "CreatedAt",
          "UpdatedAt",
          "CreateIndex",
          "ModifyIndex",
          "DefaultAddr",
          "DefaultPort",
          "LegacyID",
          "LegacyMeta",
          "LegacyCreateTime",
          "LegacyUpdateTime" ->
          json.skip();
      default -> {
        return false;
      }
    }
    return true;
  }

  /** An intention while it is read. */
  private static final class Parts {
    String sourcePeer = "";
    String sourcePartition = "";
    String sourceNamespace = "";
    String sourceName = "";
    String sourceType = "";
    String samenessGroup = "";
    String destinationPartition = "";
    String destinationNamespace = "";
    String destinationName = "";
    Intention.@Nullable Action action;
    List<Permission> permissions = List.of();
    int precedence;
    boolean jwt;
    String description = "";

    Intention build(DefectiveJson json, String asked) {
      if (sourceName.isEmpty()) {
        json.defect("SourceName is missing");
      }
      if (destinationName.isEmpty()) {
        json.defect("DestinationName is missing");
      }
      if (!sourceType.isEmpty() && !sourceType.equals("consul")) {
        json.defect("SourceType is the unknown type " + Shown.quote(sourceType));
      }
      if (!samenessGroup.isEmpty()) {
        json.defect("SourceSamenessGroup " + Shown.quote(samenessGroup) + " is not supported");
      }
      if (action != null && !permissions.isEmpty()) {
        json.defect("Action and Permissions are both given");
      }
      if (action == null && permissions.isEmpty()) {
        json.defect("neither a known Action nor Permissions are given");
      }
      if (precedence < 1 || precedence > 9) {
        json.defect("Precedence is not from 1 to 9");
      }
      return new Intention(
          new Intention.Source(
              sourcePeer,
              or(sourcePartition, DEFAULT),
              or(sourceNamespace, DEFAULT),
              or(sourceName, Intention.WILDCARD)),
          // A rule whose destination cannot be read denies the one that it was found under.
          new Intention.Destination(
              or(destinationPartition, DEFAULT),
              or(destinationNamespace, DEFAULT),
              or(destinationName, asked)),
          Optional.ofNullable(action),
          permissions,
          precedence,
          jwt,
          description,
          json.takeDefects());
    }

    private static String or(String text, String other) {
      return text.isEmpty() ? other : text;
    }
  }
}
