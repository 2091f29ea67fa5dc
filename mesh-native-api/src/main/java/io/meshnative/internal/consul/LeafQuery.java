package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.WorkloadIdentity;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The own leaf: {@code GET /v1/agent/connect/ca/leaf/<service>}, by the service's name. The agent
 * renews it; this follows.
 *
 * <p>A leaf for another service than the one asked for is refused: an agent, or whoever answers in
 * its stead, must not choose who we are.
 */
final class LeafQuery implements Query<WorkloadIdentity> {
  private final Wiring wiring;
  private final Calls calls;
  private final Roots roots;

  private final LeafRights rights;
  private @Nullable String lastMadeUp;

  LeafQuery(Wiring wiring, Calls calls, Roots roots, LeafRights rights) {
    this.rights = rights;
    this.wiring = wiring;
    this.calls = calls;
    this.roots = roots;
  }

  @Override
  public String name() {
    return "GET /v1/agent/connect/ca/leaf/" + wiring.service();
  }

  @Override
  public void unusable(int inARow, IOException failure) {
    wiring.client().unusable(name(), inARow, failure);
  }

  @Override
  public Duration hold() {
    return Duration.ofMinutes(5);
  }

  @Override
  public Answer read(long index) throws ControlPlaneException, InterruptedException {
    roots.await();
    AgentCall call =
        AgentCall.get("agent", "connect", "ca", "leaf", wiring.service())
            .needing("service:write on \"" + wiring.service() + "\"");
    String madeUp = rights.madeUp();
    // Another token has another leaf: what was known of the last one's is no reason to wait.
    boolean same = Objects.equals(madeUp, lastMadeUp);
    lastMadeUp = madeUp;
    AgentCall asked = same ? call.blocking(index, hold()) : call;
    if (madeUp == null) {
      return wiring.client().execute(asked, calls);
    }
    try {
      return wiring.client().execute(asked.as(madeUp), calls);
    } catch (ControlPlaneException e) {
      if (e.status().orElse(0) != 403) {
        throw e;
      }
      rights.drop(); // ACLs have been turned on
      lastMadeUp = null;
      return wiring.client().execute(call, calls);
    }
  }

  @Override
  public WorkloadIdentity decode(Answer answer) throws ControlPlaneException {
    return decode(name(), answer, wiring.partition(), wiring.namespace(), wiring.service());
  }

  static WorkloadIdentity decode(
      String what, Answer answer, String partition, String namespace, String service)
      throws ControlPlaneException {
    Parts leaf =
        Json.document(
            what,
            answer.body(),
            true,
            reader -> {
              String[] found = {"", "", ""};
              Json.require(reader, com.squareup.moshi.JsonReader.Token.BEGIN_OBJECT);
              Json.object(
                  reader,
                  name -> {
                    int field =
                        switch (name) {
                          case "CertPEM" -> 0;
                          case "PrivateKeyPEM" -> 1;
                          case "ServiceURI" -> 2;
                          default -> -1;
                        };
                    if (field < 0) {
                      return false;
                    }
                    found[field] = Json.text(reader);
                    return true;
                  });
              return new Parts(found[0], found[1], found[2]);
            });
    if (leaf.certificates.isEmpty() || leaf.key.isEmpty() || leaf.uri.isEmpty()) {
      throw AgentFailure.unusable(
          what, "expected CertPEM, PrivateKeyPEM and ServiceURI, found one missing", null);
    }
    WorkloadIdentity identity;
    try {
      identity = WorkloadIdentity.ofPem(leaf.certificates, leaf.key);
    } catch (CertificateException e) {
      throw AgentFailure.unusable(what, String.valueOf(e.getMessage()), e);
    }
    if (!identity.id().toString().equals(leaf.uri)) {
      throw AgentFailure.unusable(
          what,
          "expected a certificate for its ServiceURI "
              + Shown.quote(leaf.uri)
              + ", found one for "
              + identity.id(),
          null);
    }
    boolean ours =
        identity.id().consulId().orElse(null) instanceof ConsulId.Service id
            && id.service().equals(service)
            && id.namespace().equals(namespace)
            && id.partition().equalsIgnoreCase(partition);
    if (!ours) {
      throw AgentFailure.unusable(
          what,
          "expected a certificate for the service "
              + service
              + " in namespace "
              + namespace
              + " of partition "
              + partition
              + ", found one for "
              + identity.id(),
          null);
    }
    return identity;
  }

  /** The parts, for as long as they are read; a record would show the key in its toString. */
  private static final class Parts {
    final String certificates;
    final String key;
    final String uri;

    Parts(String certificates, String key, String uri) {
      this.certificates = certificates;
      this.key = key;
      this.uri = uri;
    }
  }
}
