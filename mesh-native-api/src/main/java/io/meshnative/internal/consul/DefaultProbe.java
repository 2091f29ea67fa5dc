package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import com.squareup.moshi.JsonWriter;
import io.meshnative.ControlPlaneException;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import okio.Buffer;
import okio.ByteString;

/**
 * Finds out what happens where no intention matches. No call tells it to a token of a service, and
 * the header {@code X-Consul-Default-ACL-Policy} names what is configured even where ACLs are off
 * and everything is allowed. So the agent is asked to authorize a source that cannot exist, and its
 * reason is read. Confined to one thread.
 */
final class DefaultProbe {
  private static final Logger LOG = System.getLogger(DefaultProbe.class.getName());

  /** No service is named so: Consul wants DNS labels. */
  static final String NOBODY = "_mesh-native_nobody_";

  private static final List<String> DEFAULT_REASONS =
      List.of(
          "ACLs disabled", // ", access is allowed by default": up to 1.11 or so
          "Default behavior configured by ACLs",
          "Default intention policy"); // 1.17+

  private final Wiring wiring;
  private final Calls calls;
  private boolean warned;

  DefaultProbe(Wiring wiring, Calls calls) {
    this.wiring = wiring;
    this.calls = calls;
  }

  /**
   * Asks.
   *
   * @param inbound the intentions of the own service
   * @return the default; unknown where the agent's answers do not tell
   * @throws ControlPlaneException if the agent does not answer, or has trouble of its own
   */
  DefaultDecision ask(List<Intention> inbound) throws ControlPlaneException {
    try {
      Authorized authorized = authorize(wiring.service());
      if (DEFAULT_REASONS.stream().anyMatch(authorized.reason::startsWith)) {
        return decision(authorized.yes);
      }
      // An intention matched the impossible source, hence a wildcard.
    } catch (ControlPlaneException e) {
      int status = e.status().orElse(0);
      if (status < 400 || status >= 500 || status == 429) {
        throw e;
      }
      LOG.log(Level.DEBUG, "The default decision is asked for in another way: {0}", e.getMessage());
    }
    if (inbound.stream().anyMatch(DefaultProbe::coversAll)) {
      return DefaultDecision.UNKNOWN; // it would decide the next question too
    }
    try {
      return decision(check());
    } catch (ControlPlaneException e) {
      int status = e.status().orElse(0);
      if (status < 400 || status >= 500 || status == 429) {
        throw e;
      }
      LOG.log(
          warned ? Level.DEBUG : Level.WARNING,
          "What happens where no intention matches cannot be found out; what was known of it stays,"
              + " else it is denied: {0}",
          e.getMessage());
      warned = true;
      return DefaultDecision.UNKNOWN;
    }
  }

  /**
   * Asks whether ACLs are proven to be off: then a token means nothing to the agent. An intention
   * for everyone hides it, and newer agents do not tell.
   */
  boolean aclsOff() {
    try {
      return authorize(NOBODY).reason.startsWith("ACLs disabled");
    } catch (ControlPlaneException e) {
      return false;
    }
  }

  private static boolean coversAll(Intention intention) {
    return intention.source().name().equals(Intention.WILDCARD)
        && intention.destination().name().equals(Intention.WILDCARD);
  }

  private static DefaultDecision decision(boolean allowed) {
    return allowed ? DefaultDecision.ALLOW : DefaultDecision.DENY;
  }

  private Authorized authorize(String target) throws ControlPlaneException {
    // The agent does not look at trust domain and datacenter here; it compares the partition.
    String partition = wiring.partition();
    String uri =
        "spiffe://probe.consul"
            + (partition.equals("default") ? "" : "/ap/" + partition)
            + "/ns/"
            + wiring.namespace()
            + "/dc/dc1/svc/"
            + NOBODY;
    Answer answer =
        wiring
            .client()
            .execute(
                AgentCall.post(question(target, uri), "agent", "connect", "authorize")
                    .needing("service:write and intentions:read on \"" + target + "\""),
                calls);
    return Json.document(
        "POST /v1/agent/connect/authorize",
        answer.body(),
        false,
        reader -> {
          Authorized read = new Authorized();
          Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
          Json.object(
              reader,
              name ->
                  switch (name) {
                    case "Authorized" -> {
                      read.yes = Json.bool(reader);
                      yield true;
                    }
                    case "Reason" -> {
                      read.reason = Json.text(reader);
                      yield true;
                    }
                    default -> false;
                  });
          return read;
        });
  }

  private ByteString question(String target, String uri) {
    Buffer buffer = new Buffer();
    try (JsonWriter json = JsonWriter.of(buffer)) {
      json.beginObject();
      json.name("Target").value(target);
      json.name("ClientCertURI").value(uri);
      json.name("ClientCertSerial").value("00");
      json.endObject();
    } catch (IOException e) {
      throw new IllegalStateException("expected that a buffer takes what is written", e);
    }
    return buffer.readByteString();
  }

  private boolean check() throws ControlPlaneException {
    Answer answer =
        wiring
            .client()
            .execute(
                AgentCall.get("connect", "intentions", "check")
                    .with("source", NOBODY)
                    .with("destination", NOBODY)
                    .needing("service:read on \"" + NOBODY + "\""),
                calls);
    return Json.document(
        "GET /v1/connect/intentions/check",
        answer.body(),
        false,
        reader -> {
          Boolean[] allowed = {null};
          Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
          Json.object(
              reader,
              name -> {
                if (name.equals("Allowed")) {
                  allowed[0] = Json.bool(reader);
                  return true;
                }
                return false;
              });
          if (allowed[0] == null) {
            throw new com.squareup.moshi.JsonDataException("no field Allowed");
          }
          return allowed[0];
        });
  }

  private static final class Authorized {
    boolean yes;
    String reason = "";
  }
}
