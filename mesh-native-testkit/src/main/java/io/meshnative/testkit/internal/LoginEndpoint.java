package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.AclState.BindingRule;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Auth methods, binding rules, login and logout. */
final class LoginEndpoint implements Endpoint {
  private static final Pattern VALUE = Pattern.compile("\\$\\{value\\.([A-Za-z0-9_]+)}");

  private final Plane plane;

  LoginEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) {
    return switch (request.segment(2)) {
      case "login" -> {
        Plane.allowOnly(request, "POST", "PUT");
        yield login(AclEndpoint.body(request));
      }
      case "logout" -> {
        Plane.allowOnly(request, "POST", "PUT");
        yield logout(request);
      }
      case "auth-method" -> authMethod(request);
      case "auth-methods" -> {
        Plane.allowOnly(request, "GET");
        Rights.require(plane.rights(request).aclRead());
        yield ApiResponse.json(plane.acl.methods().stream().map(JwtAuthMethod::json).toList());
      }
      case "binding-rule" -> bindingRule(request);
      case "binding-rules" -> {
        Plane.allowOnly(request, "GET");
        Rights.require(plane.rights(request).aclRead());
        List<BindingRule> rules = plane.acl.bindings(request.parameter("authmethod"));
        yield ApiResponse.json(rules.stream().map(BindingRule::json).toList());
      }
      default -> null;
    };
  }

  private ApiResponse login(JsonObject body) {
    JwtAuthMethod method =
        plane.acl.method(body.text("AuthMethod")).orElseThrow(ApiError::unknownToken);
    JwtAuthMethod.Claims claims = method.verify(body.text("BearerToken"), plane.acl.now());
    List<String> services = new ArrayList<>();
    for (BindingRule rule : plane.acl.bindings(method.name())) {
      if (FilterExpression.parse(rule.selector()).test(claims.tree())) {
        services.add(filledIn(rule.bindName(), claims.values()));
      }
    }
    if (services.isEmpty()) {
      throw ApiError.permissionDenied();
    }
    String meta = body.has("Meta") ? Json.write(body.get("Meta")) : "{}";
    AclToken token =
        new AclToken(
            UUID.randomUUID().toString(),
            UUID.randomUUID().toString(),
            "token created via login" + (meta.equals("{}") ? "" : ": " + meta),
            List.of(),
            services,
            List.of(),
            !method.tokenLocality().equals("global"),
            method.name(),
            plane.acl.now(),
            plane.acl.expiry(method.maxTokenTtl()),
            0);
    return ApiResponse.json(plane.acl.store(token).json(true, Map.of()));
  }

  private static String filledIn(String template, Map<String, String> values) {
    Matcher matcher = VALUE.matcher(template);
    return matcher.replaceAll(
        match -> Matcher.quoteReplacement(values.getOrDefault(match.group(1), "")));
  }

  private ApiResponse logout(ApiRequest request) {
    if (request.token().isEmpty()) {
      throw new ApiError(401, "Supplied token does not exist");
    }
    AclToken token = plane.acl.token(request.token()).orElseThrow(ApiError::unknownToken);
    Rights.require(!token.authMethod().isEmpty());
    return ApiResponse.json(plane.acl.destroy(token.secretId()));
  }

  private ApiResponse authMethod(ApiRequest request) {
    Rights rights = plane.rights(request);
    String name = request.segment(3);
    if (!name.isEmpty() && request.method().equals("GET")) {
      Rights.require(rights.aclRead());
      return ApiResponse.json(plane.acl.method(name).orElseThrow(ApiError::unknownToken).json());
    }
    Plane.allowOnly(request, "GET", "PUT");
    Rights.require(rights.aclWrite());
    JwtAuthMethod method = readMethod(AclEndpoint.body(request));
    plane.acl.storeMethod(method);
    return ApiResponse.json(method.json());
  }

  private JwtAuthMethod readMethod(JsonObject body) {
    String name = body.text("Name");
    if (!name.matches("[A-Za-z0-9_-]{1,128}")) {
      throw new ApiError(
          500,
          "Invalid Auth Method: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
    }
    if (!body.text("Type").equals("jwt")) {
      throw new ApiError(
          500,
          "Invalid Auth Method: the embedded plane knows the type \"jwt\" only, not \"%s\""
              .formatted(body.text("Type")));
    }
    JsonObject config = ConfigEntries.child(body, "Config");
    List<String> keys = config.list("JWTValidationPubKeys").stream().map(String::valueOf).toList();
    if (keys.isEmpty()) {
      throw new ApiError(
          500,
          "Invalid Auth Method: the embedded plane needs 'JWTValidationPubKeys'; it fetches no keys"
              + " by JWKSURL or OIDCDiscoveryURL");
    }
    for (String key : keys) {
      try {
        var unused = JwtAuthMethod.publicKey(key);
      } catch (GeneralSecurityException e) {
        throw new ApiError(
            500,
            "Invalid Auth Method: error parsing public key: data does not contain any valid RSA or ECDSA public keys");
      }
    }
    Duration life = GoDuration.parse(body.text("MaxTokenTTL")).orElse(null);
    return new JwtAuthMethod(
        name,
        body.text("Description"),
        keys,
        config.text("BoundIssuer"),
        config.list("BoundAudiences").stream().map(String::valueOf).toList(),
        AclEndpoint.texts(ConfigEntries.child(config, "ClaimMappings")),
        AclEndpoint.texts(ConfigEntries.child(config, "ListClaimMappings")),
        life,
        body.text("TokenLocality"),
        plane.acl.nextIndex());
  }

  private ApiResponse bindingRule(ApiRequest request) {
    Plane.allowOnly(request, "PUT");
    Rights.require(plane.rights(request).aclWrite());
    JsonObject body = AclEndpoint.body(request);
    String method = body.text("AuthMethod");
    if (plane.acl.method(method).isEmpty()) {
      throw new ApiError(500, "cannot find auth method with name \"" + method + "\"");
    }
    if (!body.text("BindType").equals("service")) {
      throw new ApiError(
          500,
          "Invalid Binding Rule: the embedded plane binds services only, not BindType \"%s\""
              .formatted(body.text("BindType")));
    }
    String selector = body.text("Selector");
    var unused = FilterExpression.parse(selector);
    return ApiResponse.json(
        plane
            .acl
            .storeBinding(
                method, selector, "service", body.text("BindName"), body.text("Description"))
            .json());
  }
}
