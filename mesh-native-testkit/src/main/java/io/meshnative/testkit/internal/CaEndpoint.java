package io.meshnative.testkit.internal;

import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.internal.CaState.Leaf;
import java.io.IOException;
import java.io.StringReader;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.jspecify.annotations.Nullable;

/** Roots, leaves, and the configuration of the CA. */
final class CaEndpoint implements Endpoint {
  static final String LEAF = "/v1/agent/connect/ca/leaf/";

  private final Plane plane;

  CaEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    return switch (request.path()) {
      case "/v1/agent/connect/ca/roots" -> roots(request, true);
      case "/v1/connect/ca/roots" -> roots(request, false);
      case "/v1/connect/ca/configuration" -> configuration(request);
      default -> request.path().startsWith(LEAF) ? leaf(request) : null;
    };
  }

  private ApiResponse roots(ApiRequest request, boolean cached) throws InterruptedException {
    Plane.allowOnly(request, "GET");
    if (!cached && request.flag("pem")) {
      StringBuilder pem = new StringBuilder();
      plane.ca.rootCertificates().forEach(root -> pem.append(Pem.encode(root)));
      return ApiResponse.typed("application/pem-certificate-chain", pem.toString());
    }
    plane.block(request, plane.ca::rootsIndex, Plane::neverDue);
    return plane.snapshot(() -> {
      ApiResponse response = ApiResponse.json(plane.ca.rootsJson());
      if (cached) {
        response.cache(plane.cache.had(request));
      }
      return plane.query(response, plane.ca.rootsIndex(), false, "blocking-query");
    });
  }

  private ApiResponse leaf(ApiRequest request) throws InterruptedException {
    Plane.allowOnly(request, "GET");
    String service = request.segment(5);
    if (service.isEmpty()) {
      throw new ApiError(500, "URI must be either service or agent");
    }
    if (service.contains("/")) {
      String uri = plane.ca.active().serviceUri(service, plane.settings.datacenter());
      throw new ApiError(500, "SPIFFE ID is not in the expected format: " + uri);
    }
    String token = request.token();
    boolean cached = plane.ca.hasLeaf(service, token);
    if (!cached) {
      // What is cached is served without another look at the token, even after its end (0.7).
      Rights.require(plane.rights(request).serviceWrite(service));
      if (plane.faults.signingLimited) {
        throw new ApiError(429, "Rate limit reached, try again later");
      }
    }
    boolean warm = request.index() == 0 && cached;
    // The leaf endpoint alone waits ten minutes where nothing is asked for (b.1).
    Duration wait = request.has("wait") ? request.waitTime() : ApiRequest.LONGEST_WAIT;
    plane.block(
        request,
        wait,
        () -> plane.ca.leaf(service, token).modifyIndex(),
        () -> plane.ca.leafDueNanos(service, token));
    Leaf leaf = plane.ca.leaf(service, token);
    long shown = plane.faults.shown(leaf.modifyIndex());
    return ApiResponse.json(plane.ca.leafJson(leaf))
        .cache(warm)
        .header("X-Consul-Index", Long.toString(shown));
  }

  private ApiResponse configuration(ApiRequest request) {
    Plane.allowOnly(request, "GET", "PUT");
    Rights.require(plane.rights(request).operatorWrite());
    if (request.method().equals("GET")) {
      return ApiResponse.json(plane.ca.configurationJson());
    }
    if (plane.faults.reconfiguring) {
      throw new ApiError(500, "CA is already in state \"RECONFIGURING\"");
    }
    try {
      JsonObject body = JsonObject.parse(request.body());
      if (!body.text("Provider").equals("consul")) {
        throw new ApiError(
            500,
            "could not initialize provider: unknown CA provider \"" + body.text("Provider") + "\"");
      }
      configure(body.object("Config"));
      plane.ca.configured(body.object("Config").fields());
      return ApiResponse.empty();
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decode failed: " + e.getMessage());
    }
  }

  /** A write with a new key, or from 1.11 on of another type, is how Consul rotates (c.5). */
  private void configure(JsonObject config) {
    if (config.has("LeafCertTTL")) {
      Duration ttl =
          GoDuration.parse(config.text("LeafCertTTL"))
              .orElseThrow(() -> new ApiError(500, "error decoding config: invalid LeafCertTTL"));
      if (ttl.compareTo(Duration.ofHours(1)) < 0) {
        throw new ApiError(
            500, "error configuring provider: leaf cert TTL must be greater or equal than 1h0m0s");
      }
      plane.ca.leafTtl(ttl);
    }
    if (config.has("PrivateKey") && !config.text("PrivateKey").isEmpty()) {
      plane.ca.rotate(keys(config.text("PrivateKey")));
    } else {
      // 1.8 and 1.10 make no new root for a new key type alone, yet wake the watchers (V, c.5).
      checkKeyType(config);
      plane.ca.touchRoots();
    }
  }

  private static void checkKeyType(JsonObject config) {
    if (!config.has("PrivateKeyType")) {
      return;
    }
    String kind = config.text("PrivateKeyType");
    int bits = config.number("PrivateKeyBits", 256);
    if (kind.equals("ec") && !List.of(224, 256, 384, 521).contains(bits)) {
      throw new ApiError(
          500,
          "error configuring provider: EC key length must be one of (224, 256, 384, 521) bits");
    }
    String wanted = kind + bits;
    for (KeyType type : KeyType.values()) {
      if (type.name().replace("_P", "").replace("_", "").equalsIgnoreCase(wanted)) {
        return;
      }
    }
    throw new ApiError(500, "error configuring provider: unsupported key type: " + wanted);
  }

  private static KeyPair keys(String pem) {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      Object read = parser.readObject();
      if (read instanceof PEMKeyPair pair) {
        return new JcaPEMKeyConverter().getKeyPair(pair);
      }
      if (read instanceof PrivateKeyInfo pkcs8) {
        PrivateKey key = new JcaPEMKeyConverter().getPrivateKey(pkcs8);
        return new KeyPair(publicKey(key), key);
      }
      throw new ApiError(500, "error configuring provider: PrivateKey is not an EC or RSA key");
    } catch (IOException | GeneralSecurityException e) {
      throw new ApiError(500, "error configuring provider: error parsing PrivateKey: " + e);
    }
  }

  /** PKCS#8 holds no public key, or an optional one: it is worked out again. */
  private static PublicKey publicKey(PrivateKey key) throws GeneralSecurityException {
    if (key instanceof ECPrivateKey ec) {
      java.security.spec.ECParameterSpec curve = ec.getParams();
      org.bouncycastle.jce.spec.ECParameterSpec math =
          org.bouncycastle.jcajce.provider.asymmetric.util.EC5Util.convertSpec(curve);
      org.bouncycastle.math.ec.ECPoint point = math.getG().multiply(ec.getS()).normalize();
      ECPoint w =
          new ECPoint(
              point.getAffineXCoord().toBigInteger(), point.getAffineYCoord().toBigInteger());
      return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(w, curve));
    }
    if (key instanceof RSAPrivateCrtKey rsa) {
      return KeyFactory.getInstance("RSA")
          .generatePublic(new RSAPublicKeySpec(rsa.getModulus(), rsa.getPublicExponent()));
    }
    throw new ApiError(500, "error configuring provider: PrivateKey is not an EC or RSA key");
  }
}
