package io.meshnative.internal.consul;

import com.squareup.moshi.JsonDataException;
import io.meshnative.ControlPlaneException;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.spi.TrustUpdate;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The roots: {@code GET /v1/agent/connect/ca/roots}, which needs no rights.
 *
 * <p>Trusted is every {@code RootCert}, active or not: leaves of a root that was rotated out stay
 * good as long as it is listed. {@code IntermediateCerts} are never trusted: they would outlive
 * their root.
 */
final class RootsQuery implements Query<CaRoots> {
  private static final AgentCall CALL = AgentCall.get("agent", "connect", "ca", "roots");

  private final AgentClient client;
  private final Calls calls;

  RootsQuery(AgentClient client, Calls calls) {
    this.client = client;
    this.calls = calls;
  }

  @Override
  public String name() {
    return "GET /v1/agent/connect/ca/roots";
  }

  @Override
  public void unusable(int inARow, IOException failure) {
    client.unusable(name(), inARow, failure);
  }

  @Override
  public Duration hold() {
    return Duration.ofMinutes(5);
  }

  @Override
  public Answer read(long index) throws ControlPlaneException {
    return client.execute(CALL.blocking(index, hold()), calls);
  }

  @Override
  public CaRoots decode(Answer answer) throws ControlPlaneException {
    return read(name(), answer);
  }

  static TrustUpdate decode(String what, Answer answer) throws ControlPlaneException {
    return read(what, answer).update();
  }

  private static CaRoots read(String what, Answer answer) throws ControlPlaneException {
    StringBuilder domain = new StringBuilder();
    StringBuilder signing = new StringBuilder();
    List<String> roots =
        Json.document(
            what,
            answer.body(),
            false,
            reader -> {
              List<String> pems = new ArrayList<>();
              Json.require(reader, com.squareup.moshi.JsonReader.Token.BEGIN_OBJECT);
              Json.object(
                  reader,
                  name ->
                      switch (name) {
                        case "TrustDomain" -> {
                          domain.append(Json.text(reader));
                          yield true;
                        }
                        case "Roots" -> {
                          Json.array(reader, () -> pems.add(root(reader, signing)));
                          yield true;
                        }
                        default -> false; // SerialNumber may exceed a long: it is skipped unread
                      });
              return pems;
            });
    if (domain.isEmpty()) {
      throw AgentFailure.unusable(
          what,
          "expected a TrustDomain, found none: is connect enabled, and its CA bootstrapped?",
          null);
    }
    if (roots.isEmpty()) {
      throw AgentFailure.unusable(
          what,
          "expected at least one root, found none: is connect enabled, and its CA bootstrapped?",
          null);
    }
    try {
      TrustDomain trustDomain = TrustDomain.of(domain.toString());
      return new CaRoots(
          new TrustUpdate(trustDomain, List.of(TrustBundle.ofPem(trustDomain, roots))),
          signing.toString());
    } catch (CertificateException | IllegalArgumentException e) {
      throw AgentFailure.unusable(what, String.valueOf(e.getMessage()), e);
    }
  }

  /** Reads a root; of the active one also the key that signs leaves. */
  private static String root(com.squareup.moshi.JsonReader reader, StringBuilder signing)
      throws java.io.IOException {
    StringBuilder pem = new StringBuilder();
    StringBuilder key = new StringBuilder();
    boolean[] active = {false};
    Json.object(
        reader,
        name ->
            switch (name) {
              case "RootCert" -> {
                pem.append(Json.text(reader));
                yield true;
              }
              case "SigningKeyID" -> {
                key.append(Json.text(reader));
                yield true;
              }
              case "Active" -> {
                active[0] = Json.bool(reader);
                yield true;
              }
              default -> false;
            });
    if (pem.isEmpty()) {
      throw new JsonDataException("a root without RootCert");
    }
    if (active[0]) {
      signing.setLength(0);
      signing.append(key);
    }
    return pem.toString();
  }
}
