package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import com.squareup.moshi.JsonWriter;
import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulLogin;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import okio.Buffer;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * A token obtained by {@code acl/login}. There is no call that refreshes one: at about 80 % of its
 * life, and when the agent no longer knows it, another one is obtained. Calls that wait are then
 * made again with the new token, what hangs on the old one is entered anew, and only then the old
 * one is given back.
 */
final class LoginTokens implements Tokens {
  private static final Logger LOG = System.getLogger(LoginTokens.class.getName());

  /** A new token may take this long to be known everywhere; until then its refusal means little. */
  private static final Duration SPREADING = Duration.ofSeconds(15);

  private static final Duration LOOK = Duration.ofMinutes(1);
  private static final Duration CLOSING = Duration.ofSeconds(4);

  private final AgentClient client;
  private final ConsulLogin login;
  private final String threadName;
  private final WatchClock clock;
  private final RandomGenerator random;
  private final Backoff backoff;
  private final Calls calls = new Calls();
  private final ReentrantLock lock = new ReentrantLock();

  // Written under the lock.
  private volatile @Nullable Held held;
  private @Nullable ControlPlaneException failure;
  private int failures;
  private long retryAt;
  private @Nullable WatchThread thread;
  private boolean closed;
  private volatile @Nullable Dependents dependents;

  /** What hangs on a token besides calls that are running. */
  @FunctionalInterface
  interface Dependents {
    /** Moves to the new token; fails where the old one is to be kept for now. */
    void move() throws IOException;
  }

  /** A token and what is known of it. Its own class, since a record would show the token. */
  private static final class Held {
    final String token;
    final long since;
    final @Nullable Duration life;

    Held(String token, long since, @Nullable Duration life) {
      this.token = token;
      this.since = since;
      this.life = life;
    }
  }

  LoginTokens(
      AgentClient client,
      ConsulLogin login,
      String service,
      WatchClock clock,
      RandomGenerator random) {
    this.client = client;
    this.login = login;
    this.threadName = "mesh-" + service + "-login";
    this.clock = clock;
    this.random = random;
    this.backoff = new Backoff(random);
  }

  /** Tells what is to move to a new token before the old one is given back. */
  void dependents(Dependents moving) {
    dependents = moving;
  }

  @Override
  public String current() throws ControlPlaneException {
    Held known = held;
    return known == null ? first() : known.token;
  }

  private String first() throws ControlPlaneException {
    lock.lock();
    try {
      Held known = held;
      if (known == null) {
        known = obtain();
        if (thread == null) {
          thread = WatchThread.start(threadName, calls, clock, this::step);
        }
      }
      return known.token;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean refused(@Nullable String token) throws ControlPlaneException {
    lock.lock();
    try {
      Held known = held;
      if (known == null || !known.token.equals(token)) {
        return true;
      }
      if (clock.nanoTime() - known.since < SPREADING.toNanos()) {
        return false;
      }
      LOG.log(Level.INFO, "The agent no longer knows the token of the login: logging in again.");
      obtain();
    } finally {
      lock.unlock();
    }
    client.tokenChanged();
    return true;
  }

  /** Logs in, under the lock; fails at once where that has just failed. */
  private Held obtain() throws ControlPlaneException {
    if (closed) {
      throw new ControlPlaneException("expected an open client, found it closed", 0, null, null);
    }
    ControlPlaneException last = failure;
    if (last != null && clock.nanoTime() - retryAt < 0) {
      throw last;
    }
    try {
      Held fresh = login();
      held = fresh;
      failure = null;
      failures = 0;
      return fresh;
    } catch (ControlPlaneException e) {
      failures++;
      failure = e;
      retryAt = clock.nanoTime() + backoff.after(failures).toNanos();
      throw e;
    }
  }

  private Held login() throws ControlPlaneException {
    String bearer;
    try {
      bearer = login.currentBearerToken();
    } catch (IllegalArgumentException e) {
      throw new ControlPlaneException(
          "POST /v1/acl/login: " + e.getMessage() + "; is the file mounted?", 0, null, e);
    }
    AgentCall call = AgentCall.post(question(bearer), "acl", "login").anonymously(bearer);
    if (login.namespace().isPresent()) {
      call = call.with("ns", login.namespace().get());
    }
    if (login.partition().isPresent()) {
      call = call.with("partition", login.partition().get());
    }
    if (login.datacenter().isPresent()) {
      call = call.with("dc", login.datacenter().get());
    }
    Answer answer;
    try {
      answer = client.execute(call, calls);
    } catch (ControlPlaneException e) {
      throw new ControlPlaneException(
          e.getMessage()
              + "; the login by auth method "
              + Shown.quote(login.authMethod())
              + " failed: check its name, its binding rules, and that the bearer token in "
              + login.bearerTokenFile()
              + " is one that it accepts",
          e.status().orElse(0),
          null,
          e);
    }
    return read(answer);
  }

  private ByteString question(String bearer) {
    Buffer buffer = new Buffer();
    try (JsonWriter json = JsonWriter.of(buffer)) {
      json.beginObject();
      json.name("AuthMethod").value(login.authMethod());
      json.name("BearerToken").value(bearer);
      if (!login.meta().isEmpty()) {
        json.name("Meta").beginObject();
        for (Map.Entry<String, String> entry : new TreeMap<>(login.meta()).entrySet()) {
          json.name(entry.getKey()).value(entry.getValue());
        }
        json.endObject();
      }
      json.endObject();
    } catch (IOException e) {
      throw new IllegalStateException("expected that a buffer takes what is written", e);
    }
    return buffer.readByteString();
  }

  private Held read(Answer answer) throws ControlPlaneException {
    String what = "POST /v1/acl/login";
    String[] found = {"", "", ""};
    Json.document(
        what,
        answer.body(),
        true,
        reader -> {
          Json.require(reader, JsonReader.Token.BEGIN_OBJECT);
          Json.object(
              reader,
              name -> {
                int field =
                    switch (name) {
                      case "SecretID" -> 0;
                      case "CreateTime" -> 1;
                      case "ExpirationTime" -> 2;
                      default -> -1;
                    };
                if (field < 0) {
                  return false;
                }
                found[field] = Json.text(reader);
                return true;
              });
          return found;
        });
    String token = found[0];
    if (token.isEmpty() || !token.chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
      throw AgentFailure.unusable(
          what, "expected a SecretID that a header can carry, found none", null);
    }
    return new Held(token, clock.nanoTime(), life(found[1], found[2]));
  }

  /** By the servers' clock alone, so that ours need not agree; null for a token without end. */
  private static @Nullable Duration life(String created, String expires) {
    if (created.isEmpty() || expires.isEmpty()) {
      return null;
    }
    try {
      Duration life =
          Duration.between(OffsetDateTime.parse(created), OffsetDateTime.parse(expires));
      return life.isNegative() || life.isZero() ? null : life;
    } catch (DateTimeException e) {
      return null; // the agent will say when it is over
    }
  }

  /** One look of the thread that renews. */
  private Duration step() throws InterruptedException {
    Held old = held;
    if (old == null || old.life == null) {
      return LOOK;
    }
    long due = (long) (old.life.toNanos() * (0.76 + 0.04 * random.nextDouble()));
    long left = due - (clock.nanoTime() - old.since);
    if (left > 0) {
      return Duration.ofNanos(Math.min(left, LOOK.toNanos()));
    }
    int failed;
    lock.lock();
    try {
      if (held != old) {
        return Duration.ZERO; // renewed because it was refused
      }
      failure = null; // this thread keeps its own pace
      obtain();
      failed = 0;
    } catch (ControlPlaneException e) {
      failed = failures;
      LOG.log(
          failed == 1 ? Level.WARNING : Level.DEBUG,
          "The token of the login is used on, and obtained anew later: {0}",
          e.getMessage());
    } finally {
      lock.unlock();
    }
    if (failed > 0) {
      return backoff.after(failed + 1);
    }
    client.tokenChanged();
    giveBack(old);
    return Duration.ZERO;
  }

  private void giveBack(Held old) {
    Dependents moving = dependents;
    try {
      if (moving != null) {
        moving.move();
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "The old token is kept until it ends: {0}", e.getMessage());
      return;
    }
    logout(old.token, calls);
  }

  private void logout(String token, Calls whose) {
    AgentCall call = AgentCall.post(ByteString.EMPTY, "acl", "logout").as(token).within(CLOSING);
    try {
      client.execute(call, whose);
    } catch (ControlPlaneException e) {
      LOG.log(Level.DEBUG, "The token of the login could not be given back: {0}", e.getMessage());
    }
  }

  @Override
  public void close() {
    Held last;
    WatchThread running;
    calls.cancel(); // a login that runs holds the lock
    lock.lock();
    try {
      closed = true;
      last = held;
      held = null;
      running = thread;
      thread = null;
    } finally {
      lock.unlock();
    }
    if (running != null) {
      running.close();
    }
    if (last != null) {
      logout(last.token, new Calls());
    }
  }
}
