package io.meshnative.internal.consul;

import com.squareup.moshi.JsonWriter;
import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import okio.Buffer;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Registers the service with the agent, connect-native. Registering again under the same id
 * replaces. Thread-safe.
 */
final class ConsulRegistrar implements Registrar {
  private final Wiring wiring;
  private final Calls calls = new Calls();
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable String registered;

  ConsulRegistrar(Wiring wiring) {
    this.wiring = wiring;
  }

  @Override
  public void register(Registration registration) throws IOException {
    if (registration.port() == 0) {
      throw new IllegalArgumentException(
          "expected a registration whose port is known, found port 0");
    }
    String id = registration.id().orElse(wiring.service() + "-" + registration.port());
    AgentCall call =
        AgentCall.put(body(id, registration), "agent", "service", "register").needing(acl());
    wiring.client().execute(call, calls);
    lock.lock();
    try {
      registered = id;
    } finally {
      lock.unlock();
    }
  }

  private String acl() {
    return "service:write on \"" + wiring.service() + "\"";
  }

  private ByteString body(String id, Registration registration) throws IOException {
    Buffer buffer = new Buffer();
    try (JsonWriter json = JsonWriter.of(buffer)) {
      json.beginObject();
      json.name("Name").value(wiring.service());
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
      json.endObject();
    }
    return buffer.readByteString();
  }

  @Override
  public void deregister() throws IOException {
    String id;
    lock.lock();
    try {
      id = registered;
      registered = null;
    } finally {
      lock.unlock();
    }
    if (id == null) {
      return;
    }
    AgentCall call =
        AgentCall.put(ByteString.EMPTY, "agent", "service", "deregister", id)
            .needing(acl())
            .within(
                Duration.ofSeconds(4)); // a service that ends must not hang on an agent that does
    try {
      wiring.client().execute(call, calls);
    } catch (ControlPlaneException e) {
      // Newer agents answer 404 for what is gone already, older ones 500 where ACLs are on.
      String message = String.valueOf(e.getMessage());
      boolean gone = e.status().orElse(0) == 404 || message.contains("Unknown service");
      if (!gone) {
        throw e;
      }
    }
  }
}
