package io.meshnative.internal.consul;

import com.squareup.moshi.JsonWriter;
import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import okio.Buffer;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Registers the service with the agent, connect-native, and keeps it there. An agent may forget:
 * started anew without its state. It also keeps the token of the registration to write it into the
 * catalog, so a new token registers again.
 *
 * <p>Where the client has turned to another agent, the service is registered there at once: what
 * was registered with the first leaves the catalog as soon as the servers miss that agent. Should
 * it come back, with what it kept, the service is taken out there too in the end.
 *
 * <p>Thread-safe. Calls are made one at a time, under the lock.
 */
final class ConsulRegistrar implements Registrar {
  private static final Logger LOG = System.getLogger(ConsulRegistrar.class.getName());

  /** How often the agent is asked whether it still knows the service. */
  static final Duration VERIFY_EVERY = Duration.ofSeconds(30);

  /** How often it is looked whether the client has turned to another agent, where there is one. */
  private static final Duration LOOK = Duration.ofSeconds(1);

  /** A service that ends must not hang on an agent that does. */
  private static final Duration ENDING = Duration.ofSeconds(4);

  private final Wiring wiring;
  private final Calls calls = new Calls();
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable Entry entered;
  private Check.Status reported = Check.Status.PASSING;
  private @Nullable String maintenance;
  private @Nullable String token;
  private String note = "";
  private long verifiedAt;
  private long reportedAt;

  /** The agent with which it is registered, and those with which it was before. */
  private int place;

  private final Set<Integer> formerly = new LinkedHashSet<>();

  private record Entry(String id, Registration registration) {
    /** The TTL checks, which nobody but us fulfils. */
    List<Integer> reports() {
      List<Check> checks = registration.checks();
      return java.util.stream.IntStream.range(0, checks.size())
          .filter(i -> checks.get(i).kind() == Check.Kind.TTL)
          .boxed()
          .toList();
    }

    /** How often the TTL checks are reported, which is how often there is anything to do. */
    Duration every() {
      Duration shortest = VERIFY_EVERY;
      for (int i : reports()) {
        Duration third = registration.checks().get(i).period().dividedBy(3);
        shortest = third.compareTo(shortest) < 0 ? third : shortest;
      }
      return shortest;
    }
  }

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
    lock.lock();
    try {
      enter(new Entry(id, registration));
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private void enter(Entry entry) throws IOException {
    ByteString body = RegistrationBody.of(wiring.service(), entry.id, entry.registration, reported);
    AgentCall call =
        AgentCall.put(body, "agent", "service", "register")
            .with("replace-existing-checks", "true")
            .needing(acl());
    String now = wiring.client().token();
    // Before the call: if it turns to another agent itself, the next look registers once more.
    int at = wiring.client().place();
    wiring.client().execute(call, calls);
    if (entered != null && at != place) {
      LOG.log(
          Level.INFO, "The service {0} is registered with the agent that answers now.", entry.id);
      formerly.add(place);
    }
    formerly.remove(at);
    place = at;
    entered = entry;
    token = now;
    verifiedAt = wiring.clock().nanoTime();
    String reason = maintenance;
    if (reason != null) {
      switchMaintenance(entry, true, reason); // registering has ended it with the other checks
    }
  }

  /** Enters again what is entered, with the token of now. */
  void renew() throws IOException {
    lock.lock();
    try {
      Entry entry = entered;
      if (entry != null) {
        enter(entry);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Duration keepAlive(Check.Status status, String why) throws IOException {
    lock.lock();
    try {
      Entry entry = entered;
      if (entry == null) {
        return VERIFY_EVERY;
      }
      boolean news = status != reported || !why.equals(note);
      reported = status;
      note = why;
      boolean alone = wiring.client().places() == 1;
      if (!Objects.equals(token, wiring.client().token()) || place != wiring.client().place()) {
        enter(entry);
        news = true;
      }
      Duration every = entry.every();
      Duration left = every.minusNanos(wiring.clock().nanoTime() - reportedAt);
      if (alone || news || left.isNegative() || left.isZero()) {
        for (int each : entry.reports()) {
          if (!report(entry, each, status, why)) {
            enterAgain(entry);
            break;
          }
        }
        reportedAt = wiring.clock().nanoTime();
        left = every;
      }
      long since = wiring.clock().nanoTime() - verifiedAt;
      if (since >= VERIFY_EVERY.toNanos()) {
        if (isKnown(entry)) {
          verifiedAt = wiring.clock().nanoTime();
        } else {
          enterAgain(entry);
        }
      }
      return alone || left.compareTo(LOOK) < 0 ? left : LOOK;
    } finally {
      lock.unlock();
    }
  }

  private void enterAgain(Entry entry) throws IOException {
    LOG.log(
        Level.INFO, "The agent has forgotten the service {0}: it is registered again.", entry.id);
    enter(entry);
  }

  /** Returns false where the agent does not know the check. */
  private boolean report(Entry entry, int number, Check.Status status, String why)
      throws IOException {
    Buffer buffer = new Buffer();
    try (JsonWriter json = JsonWriter.of(buffer)) {
      json.beginObject();
      json.name("Status").value(status.text());
      json.name("Output").value(why);
      json.endObject();
    }
    String check = RegistrationBody.checkId(entry.id, number);
    AgentCall call =
        AgentCall.put(buffer.readByteString(), "agent", "check", "update", check)
            .needing(acl())
            .within(ENDING);
    try {
      wiring.client().execute(call, calls);
      return true;
    } catch (ControlPlaneException e) {
      int answered = e.status().orElse(0);
      // Before 1.11 or so the agent says 500 to a check that it does not know, with several texts.
      if (answered == 404 || answered == 500) {
        return false;
      }
      throw e;
    }
  }

  private boolean isKnown(Entry entry) throws IOException {
    try {
      wiring
          .client()
          .execute(
              AgentCall.get("agent", "service", entry.id).needing(acl()).within(ENDING), calls);
      return true;
    } catch (ControlPlaneException e) {
      if (e.status().orElse(0) == 404) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public boolean maintenance(boolean on, String reason) throws IOException {
    lock.lock();
    try {
      Entry entry = entered;
      if (entry == null) {
        return false;
      }
      maintenance = on ? reason : null;
      switchMaintenance(entry, on, reason);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void switchMaintenance(Entry entry, boolean on, String reason) throws IOException {
    AgentCall call =
        AgentCall.put(ByteString.EMPTY, "agent", "service", "maintenance", entry.id)
            .with("enable", String.valueOf(on));
    if (on) {
      call = call.with("reason", reason);
    }
    AgentCall made = call.needing(acl()).within(ENDING);
    wiring.client().execute(made, calls);
    alsoFormerly(made);
  }

  /** Does the same with agents that had the service before, as far as they answer. */
  private void alsoFormerly(AgentCall call) {
    for (int each : formerly) {
      try {
        wiring.client().executeAt(each, call, calls);
      } catch (ControlPlaneException e) {
        LOG.log(
            Level.INFO, "An agent that had the service before was not told: {0}", e.getMessage());
      }
    }
  }

  private String acl() {
    return "service:write on \"" + wiring.service() + "\"";
  }

  @Override
  public void deregister() throws IOException {
    lock.lock();
    try {
      Entry entry = entered;
      entered = null;
      maintenance = null;
      if (entry == null) {
        return;
      }
      AgentCall call =
          AgentCall.put(ByteString.EMPTY, "agent", "service", "deregister", entry.id)
              .needing(acl())
              .within(ENDING);
      alsoFormerly(call);
      formerly.clear();
      if (wiring.client().places() == 1) {
        wiring.client().execute(call, calls);
      } else {
        // No other agent can do it for the one that has the service; its answer would hide that.
        wiring.client().executeAt(place, call, calls);
      }
    } catch (ControlPlaneException e) {
      // Newer agents answer 404 for what is gone already, older ones 500 where ACLs are on.
      String message = String.valueOf(e.getMessage());
      boolean gone = e.status().orElse(0) == 404 || message.contains("Unknown service");
      if (!gone) {
        throw e;
      }
    } finally {
      lock.unlock();
    }
  }
}
