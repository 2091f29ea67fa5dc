package io.meshnative.internal.consul;

import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.intention.Permission.HeaderCondition;
import io.meshnative.intention.Permission.HeaderKind;
import io.meshnative.intention.Permission.PathCondition;
import io.meshnative.intention.Permission.PathKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the layer-7 permissions of an intention (Consul 1.9+). What is not understood becomes a
 * defect of the intention.
 */
final class PermissionDecoder {
  private final DefectiveJson json;

  PermissionDecoder(DefectiveJson json) {
    this.json = json;
  }

  /** Reads the value of {@code Permissions}. */
  List<Permission> permissions() throws IOException {
    List<Permission> permissions = new ArrayList<>();
    json.objects(
        "Permissions",
        () -> permissions.add(permission("Permissions[" + permissions.size() + "]")));
    return permissions;
  }

  private Permission permission(String where) throws IOException {
    Parts parts = new Parts();
    boolean read =
        json.object(
            where,
            name ->
                switch (name) {
                  case "Action" -> {
                    parts.action = action(json, where + ".Action");
                    yield true;
                  }
                  case "HTTP" -> {
                    http(where + ".HTTP", parts);
                    yield true;
                  }
                  case "JWT" -> {
                    parts.jwt = json.present();
                    yield true;
                  }
                  default -> false;
                });
    Intention.Action action = parts.action;
    if (action == null) {
      json.defect(read ? where + " has no known action" : where + " is not a permission");
      action = Intention.Action.DENY; // never applied: the defect denies the destination
    }
    return new Permission(
        action, Optional.ofNullable(parts.path), parts.headers, parts.methods, parts.jwt);
  }

  /** Reads an action; null, and a defect unless it is empty, where it is neither allow nor deny. */
  static Intention.@Nullable Action action(DefectiveJson json, String where) throws IOException {
    String text = json.text(where);
    return switch (text) {
      case "allow" -> Intention.Action.ALLOW;
      case "deny" -> Intention.Action.DENY;
      case "" -> null;
      default -> {
        json.defect(where + " is the unknown action " + Shown.quote(text));
        yield null;
      }
    };
  }

  private void http(String where, Parts parts) throws IOException {
    json.object(
        where,
        name ->
            switch (name) {
              case "PathExact" -> path(where, name, PathKind.EXACT, parts);
              case "PathPrefix" -> path(where, name, PathKind.PREFIX, parts);
              case "PathRegex" -> path(where, name, PathKind.REGEX, parts);
              case "Methods" -> {
                json.objects(where + ".Methods", () -> method(where + ".Methods", parts));
                yield true;
              }
              case "Header" -> {
                json.objects(
                    where + ".Header",
                    () -> header(where + ".Header[" + parts.headers.size() + "]", parts));
                yield true;
              }
              default -> false;
            });
  }

  private boolean path(String where, String name, PathKind kind, Parts parts) throws IOException {
    String value = json.text(where + "." + name);
    if (!value.isEmpty()) {
      if (parts.path != null) {
        json.defect(where + " has two conditions on the path");
      }
      parts.path = new PathCondition(kind, value);
    }
    return true;
  }

  private void method(String where, Parts parts) throws IOException {
    String method = json.text(where);
    if (method.isEmpty()) {
      json.defect(where + " holds an empty method"); // it would match nothing, or seem to match all
    } else {
      parts.methods.add(method);
    }
  }

  private void header(String where, Parts parts) throws IOException {
    Header header = new Header();
    boolean read =
        json.object(
            where,
            name -> {
              String field = where + "." + name;
              switch (name) {
                case "Name" -> header.name = json.text(field);
                case "Present" -> {
                  if (json.bool(field)) {
                    header.kind(json, where, HeaderKind.PRESENT, "");
                  }
                }
                case "Exact" -> header.value(json, where, HeaderKind.EXACT, json.text(field));
                case "Prefix" -> header.value(json, where, HeaderKind.PREFIX, json.text(field));
                case "Suffix" -> header.value(json, where, HeaderKind.SUFFIX, json.text(field));
                case "Contains" -> header.value(json, where, HeaderKind.CONTAINS, json.text(field));
                case "Regex" -> header.value(json, where, HeaderKind.REGEX, json.text(field));
                case "Invert" -> header.invert = json.bool(field);
                case "IgnoreCase" -> header.ignoreCase = json.bool(field);
                default -> {
                  return false;
                }
              }
              return true;
            });
    HeaderKind kind = header.kind;
    if (!read || header.name.isEmpty() || kind == null) {
      json.defect(where + " names no header, or no known condition on it");
      return;
    }
    parts.headers.add(
        new HeaderCondition(header.name, kind, header.value, header.invert, header.ignoreCase));
  }

  /** A permission while it is read. */
  private static final class Parts {
    Intention.@Nullable Action action;
    @Nullable PathCondition path;
    final List<HeaderCondition> headers = new ArrayList<>();
    final List<String> methods = new ArrayList<>();
    boolean jwt;
  }

  /** A condition on a header while it is read. */
  private static final class Header {
    String name = "";
    @Nullable HeaderKind kind;
    String value = "";
    boolean invert;
    boolean ignoreCase;

    void value(DefectiveJson json, String where, HeaderKind given, String text) {
      if (!text.isEmpty()) {
        kind(json, where, given, text);
      }
    }

    void kind(DefectiveJson json, String where, HeaderKind given, String text) {
      if (kind != null) {
        json.defect(where + " has two conditions on one header");
      }
      kind = given;
      value = text;
    }
  }
}
