package io.meshnative.testkit.internal;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An auth method of type {@code jwt} that knows the keys which sign: RS256 and ES256, issuer,
 * audiences, times. Immutable.
 *
 * @param keys the public keys as PEM
 * @param issuer what {@code iss} must be; empty for anything
 * @param audiences of which {@code aud} must name one; empty for anything
 * @param claimMappings names of claims to the names that binding rules know them by
 * @param listClaimMappings the same for claims that are lists
 * @param maxTokenTtl how long its tokens live; null for ever
 */
public record JwtAuthMethod(
    String name,
    String description,
    List<String> keys,
    String issuer,
    List<String> audiences,
    Map<String, String> claimMappings,
    Map<String, String> listClaimMappings,
    @Nullable Duration maxTokenTtl,
    String tokenLocality,
    long index) {
  /** What binding rules may know of a token: {@code value.*} and {@code list.*}. */
  record Claims(Map<String, String> values, Map<String, List<String>> lists) {
    Map<String, @Nullable Object> tree() {
      return Json.object("value", values, "list", lists);
    }
  }

  /** Clocks may differ by this much. */
  private static final Duration LEEWAY = Duration.ofSeconds(60);

  private static final String INVALID =
      "error validating claims: square/go-jose/jwt: validation failed, ";

  /** As the agent shows it. */
  Map<String, @Nullable Object> json() {
    Map<String, @Nullable Object> config = new LinkedHashMap<>();
    if (!audiences.isEmpty()) {
      config.put("BoundAudiences", audiences);
    }
    if (!issuer.isEmpty()) {
      config.put("BoundIssuer", issuer);
    }
    if (!claimMappings.isEmpty()) {
      config.put("ClaimMappings", claimMappings);
    }
    if (!listClaimMappings.isEmpty()) {
      config.put("ListClaimMappings", listClaimMappings);
    }
    config.put("JWTValidationPubKeys", keys);
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    if (maxTokenTtl != null) {
      json.put("MaxTokenTTL", GoDuration.text(maxTokenTtl));
    }
    json.put("Name", name);
    json.put("Type", "jwt");
    json.put("Description", description);
    if (!tokenLocality.isEmpty()) {
      json.put("TokenLocality", tokenLocality);
    }
    json.put("Config", config);
    json.put("CreateIndex", index);
    json.put("ModifyIndex", index);
    return json;
  }

  /**
   * Proves a token and says what binding rules may know of it.
   *
   * @throws ApiError 500 with Consul's text if it is none, not signed by a known key, or not valid
   */
  Claims verify(String jwt, Instant now) {
    String[] parts = jwt.split("\\.", -1);
    if (parts.length != 3) {
      throw new ApiError(
          500, "error parsing token: square/go-jose: compact JWS format must have three parts");
    }
    JsonObject header = decoded(parts[0]);
    JsonObject claims = decoded(parts[1]);
    byte[] signature = bytes(parts[2]);
    byte[] signed = (parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII);
    String algorithm = header.text("alg");
    if (keys.stream().noneMatch(key -> signs(key, algorithm, signed, signature))) {
      throw new ApiError(500, "no known key successfully validated the token signature");
    }
    checkClaims(claims, now);
    Map<String, String> values = new LinkedHashMap<>();
    claimMappings.forEach((claim, value) -> {
      Object found = claims.fields().get(claim);
      if (found instanceof String || found instanceof Number || found instanceof Boolean) {
        values.put(value, found.toString());
      }
    });
    Map<String, List<String>> lists = new LinkedHashMap<>();
    listClaimMappings.forEach((claim, value) -> {
      if (claims.fields().get(claim) instanceof List<?> list) {
        lists.put(value, list.stream().map(String::valueOf).toList());
      }
    });
    return new Claims(values, lists);
  }

  private void checkClaims(JsonObject claims, Instant now) {
    if (!issuer.isEmpty() && !claims.text("iss").equals(issuer)) {
      throw new ApiError(500, INVALID + "invalid issuer claim (iss)");
    }
    Object aud = claims.get("aud");
    List<?> given = aud instanceof List<?> list ? list : List.of(aud == null ? "" : aud);
    if (!audiences.isEmpty() && given.stream().noneMatch(audiences::contains)) {
      throw new ApiError(500, INVALID + "invalid audience claim (aud)");
    }
    if (claims.get("nbf") instanceof Number nbf && now.plus(LEEWAY).isBefore(instant(nbf))) {
      throw new ApiError(500, INVALID + "token not valid yet (nbf)");
    }
    if (claims.get("exp") instanceof Number exp && now.minus(LEEWAY).isAfter(instant(exp))) {
      throw new ApiError(500, INVALID + "token is expired (exp)");
    }
  }

  private static Instant instant(Number seconds) {
    return Instant.ofEpochSecond(new BigDecimal(seconds.toString()).longValue());
  }

  private static byte[] bytes(String part) {
    try {
      return Base64.getUrlDecoder().decode(part);
    } catch (IllegalArgumentException e) {
      throw new ApiError(500, "error parsing token: illegal base64 data");
    }
  }

  private static JsonObject decoded(String part) {
    try {
      return JsonObject.parse(new String(bytes(part), StandardCharsets.UTF_8));
    } catch (Json.MalformedJson e) {
      throw new ApiError(500, "error parsing token: " + e.getMessage());
    }
  }

  private static boolean signs(String pem, String algorithm, byte[] signed, byte[] signature) {
    try {
      PublicKey key = publicKey(pem);
      String jca =
          switch (algorithm) {
            case "RS256" -> key instanceof RSAPublicKey ? "SHA256withRSA" : "";
            // In a JWT both numbers stand side by side, not as DER.
            case "ES256" -> key instanceof ECPublicKey ? "SHA256withECDSAinP1363Format" : "";
            default -> "";
          };
      if (jca.isEmpty()) {
        return false;
      }
      Signature verifier = Signature.getInstance(jca);
      verifier.initVerify(key);
      verifier.update(signed);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /**
   * Reads a public key.
   *
   * @throws GeneralSecurityException if it is neither an RSA nor an EC key
   */
  static PublicKey publicKey(String pem) throws GeneralSecurityException {
    String base64 = pem.replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
    byte[] der;
    try {
      der = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new GeneralSecurityException("not base64", e);
    }
    List<GeneralSecurityException> failures = new ArrayList<>();
    for (String type : List.of("RSA", "EC")) {
      try {
        return KeyFactory.getInstance(type).generatePublic(new X509EncodedKeySpec(der));
      } catch (GeneralSecurityException e) {
        failures.add(e);
      }
    }
    throw failures.get(0);
  }
}
