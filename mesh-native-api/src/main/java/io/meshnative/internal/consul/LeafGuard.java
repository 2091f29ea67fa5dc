package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import io.meshnative.identity.WorkloadIdentity;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.jspecify.annotations.Nullable;

/**
 * Notices a leaf that does not follow a rotation of the root. Agents before 1.9.14, 1.10.7 and
 * 1.11.0 renew a watched leaf after the first rotation only; it ends with its root, or with itself.
 *
 * <p>The agent has up to half a minute to follow by itself. Then it is asked without blocking,
 * which makes newer agents look again. If that does not help, it is said aloud; and where ACLs are
 * proven off, the leaf is asked for with a token that was made up, for which the agent issues
 * another leaf.
 *
 * <p>Thread-safe. Its thread lives from a rotation until the leaf has followed.
 */
final class LeafGuard implements AutoCloseable {
  private static final Logger LOG = System.getLogger(LeafGuard.class.getName());
  private static final Duration LOOK = Duration.ofSeconds(5);

  /**
   * How long to wait.
   *
   * @param patience for the agent to follow by itself
   * @param settling for an answer after the agent was asked in another way
   * @param jitter at most, before a leaf is asked for that another token gets, against herds
   */
  record Timing(Duration patience, Duration settling, Duration jitter) {
    static final Timing DEFAULT =
        new Timing(Duration.ofSeconds(90), Duration.ofSeconds(5), Duration.ofSeconds(30));
  }

  private enum Phase {
    WAITING,
    ASKED,
    WARNED,
    WORKING_AROUND,
    GIVEN_UP
  }

  private final Wiring wiring;
  private final Roots roots;
  private final LeafRights rights;
  private final Calls leafCalls;
  private final Consumer<String> warn;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private @Nullable WorkloadIdentity leaf;
  private String authority = "";
  private @Nullable WatchThread thread;
  private @Nullable Calls calls;
  private boolean closed;

  // Confined to the thread.
  private String key = "";
  private Phase phase = Phase.WAITING;
  private long since;

  LeafGuard(Wiring wiring, Roots roots, LeafRights rights, Calls leafCalls, Consumer<String> warn) {
    this.wiring = wiring;
    this.roots = roots;
    this.rights = rights;
    this.leafCalls = leafCalls;
    this.warn = warn;
  }

  /** Takes the newest leaf. */
  void leaf(WorkloadIdentity newest) {
    lock.lock();
    try {
      if (!Objects.equals(newest, leaf)) {
        leaf = newest;
        authority = authorityOf(newest.leaf());
      }
    } finally {
      lock.unlock();
    }
    look();
  }

  /**
   * The id of the key that signed a certificate, as the agent writes it; empty if it names none.
   */
  static String authorityOf(X509Certificate certificate) {
    byte[] encoded = certificate.getExtensionValue(Extension.authorityKeyIdentifier.getId());
    if (encoded == null) {
      return "";
    }
    byte[] id;
    try {
      id =
          AuthorityKeyIdentifier.getInstance(ASN1OctetString.getInstance(encoded).getOctets())
              .getKeyIdentifierOctets();
    } catch (IllegalArgumentException e) {
      return "";
    }
    return id == null ? "" : HexFormat.ofDelimiter(":").formatHex(id);
  }

  /** Compares leaf and root, and begins to watch where they differ. */
  void look() {
    lock.lock();
    try {
      if (closed || thread != null || !lags()) {
        return;
      }
      Calls own = new Calls();
      calls = own;
      key = "";
      thread = wiring.start("leaf-guard", own, this::step);
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock: whether another key signs now than signed the leaf. */
  private boolean lags() {
    String signing = roots.signingKey();
    return !signing.isEmpty() && !authority.isEmpty() && !authority.equalsIgnoreCase(signing);
  }

  /** Ends the thread if the leaf has followed. */
  private boolean followed() {
    lock.lock();
    try {
      if (lags()) {
        return false;
      }
      Calls own = calls;
      if (own != null) {
        own.cancel();
      }
      thread = null;
      return true;
    } finally {
      lock.unlock();
    }
  }

  private Duration step() throws InterruptedException {
    if (followed()) {
      return Duration.ZERO;
    }
    long now = wiring.clock().nanoTime();
    String signing = roots.signingKey();
    if (!signing.equals(key)) {
      key = signing;
      enter(Phase.WAITING, now);
    }
    Duration passed = Duration.ofNanos(now - since);
    switch (phase) {
      case WAITING -> {
        Duration left = wiring.timing().patience().minus(passed);
        if (left.isNegative() || left.isZero()) {
          enter(Phase.ASKED, now);
          leafCalls.restart();
          return wiring.timing().settling();
        }
        return left.compareTo(LOOK) < 0 ? left : LOOK;
      }
      case ASKED -> {
        enter(Phase.WARNED, now);
        boolean safe = aclsOff();
        warn.accept(warning(safe));
        long jitter = wiring.timing().jitter().toNanos();
        return safe ? Duration.ofNanos(wiring.random().nextLong(jitter + 1)) : giveUp();
      }
      case WARNED -> {
        LOG.log(Level.INFO, "Another leaf of {0} is asked for.", wiring.service());
        rights.makeUp(signing);
        leafCalls.restart();
        enter(Phase.WORKING_AROUND, now);
        return wiring.timing().settling();
      }
      case WORKING_AROUND -> {
        if (passed.compareTo(wiring.timing().patience()) > 0) {
          warn.accept(
              "expected another leaf of "
                  + wiring.service()
                  + " from the agent, found the old one again; upgrade or restart the agent");
          return giveUp();
        }
        return LOOK;
      }
      default -> {
        return LOOK;
      }
    }
  }

  private Duration giveUp() {
    phase = Phase.GIVEN_UP;
    return LOOK;
  }

  private void enter(Phase next, long now) {
    phase = next;
    since = now;
  }

  private Calls calls() throws InterruptedException {
    lock.lock();
    try {
      Calls own = calls;
      if (own == null || own.isCancelled()) {
        throw new InterruptedException("closed");
      }
      return own;
    } finally {
      lock.unlock();
    }
  }

  private boolean aclsOff() throws InterruptedException {
    return new DefaultProbe(wiring, calls()).aclsOff();
  }

  private String warning(boolean workaround) throws InterruptedException {
    WorkloadIdentity held;
    lock.lock();
    try {
      held = leaf;
    } finally {
      lock.unlock();
    }
    return "expected a leaf of "
        + wiring.service()
        + " under the root that became active, found the agent (Consul "
        + version()
        + ") to serve the one of the former root "
        + wiring.timing().patience().toSeconds()
        + " s later: agents before 1.9.14, 1.10.7 and 1.11.0 renew a watched leaf after the first"
        + " rotation only. It serves until "
        + (held == null ? "its end" : held.notAfter().toString())
        + " at most, and only as long as peers trust its root; upgrade the agent, or restart it, or"
        + " give the service another token"
        + (workaround
            ? ". ACLs are off: another leaf is asked for with a made-up token, within "
                + wiring.timing().jitter().toSeconds()
                + " s"
            : "");
  }

  private String version() throws InterruptedException {
    try {
      Answer answer = wiring.client().execute(AgentCall.get("agent", "self"), calls());
      return Json.document(
          "GET /v1/agent/self",
          answer.body(),
          true,
          reader -> {
            String[] found = {"of unknown version"};
            Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
            Json.object(
                reader,
                name -> {
                  if (!name.equals("Config")) {
                    return false;
                  }
                  Json.object(
                      reader,
                      field -> {
                        if (!field.equals("Version")) {
                          return false;
                        }
                        String text = Json.text(reader);
                        found[0] = text.matches("[0-9A-Za-z.+-]{1,40}") ? text : found[0];
                        return true;
                      });
                  return true;
                });
            return found[0];
          });
    } catch (ControlPlaneException e) {
      LOG.log(Level.DEBUG, "The agent does not tell its version: {0}", e.getMessage());
      return "of unknown version";
    }
  }

  @Override
  public void close() {
    WatchThread running;
    lock.lock();
    try {
      closed = true;
      running = thread;
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.close();
    }
  }
}
