package io.meshnative.testkit.internal;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Everything that the endpoints share: the state, and how to wait for a change of it. */
public final class Plane {
  public final PlaneSettings settings;
  public final BlockingIndex index = new BlockingIndex();
  public final FaultSwitches faults = new FaultSwitches();
  final AgentCache cache = new AgentCache();
  final Servers servers = new Servers(this);
  public final CaState ca;
  public final IntentionStore intentions;
  public final CatalogState catalog;
  public final ConfigStore config;
  final CheckRunner checks;
  public final AclState acl;
  private volatile boolean defaultAllow;

  public Plane(PlaneSettings settings, Random random) {
    this.settings = settings;
    this.defaultAllow = settings.defaultAllow();
    this.ca = new CaState(index, settings, faults, random);
    this.catalog = new CatalogState(index, settings);
    this.checks = new CheckRunner(catalog);
    this.intentions = new IntentionStore(index, settings.clock());
    this.config = new ConfigStore(index, settings, intentions);
    this.acl = new AclState(index, settings, this::defaultAllow);
  }

  public boolean defaultAllow() {
    return defaultAllow;
  }

  public void defaultAllow(boolean value) {
    defaultAllow = value;
  }

  /** The default policy as the agent's configuration has it, whether or not it takes effect. */
  String configuredPolicy() {
    return defaultAllow && !settings.ignoredDefaultDeny() ? "allow" : "deny";
  }

  /** Numbers everything anew from low on; the content stays, but for the cached leaves. */
  public void restart() {
    index.locked(() -> {
      index.restart();
      ca.restart();
      catalog.restart();
      intentions.restart();
      config.restart();
      cache.clear();
    });
    index.releaseAll();
  }

  /**
   * Blocks while the present index is not beyond the one asked for. Returns at once where none is
   * asked for.
   */
  void block(ApiRequest request, LongSupplier current, LongSupplier dueNanos)
      throws InterruptedException {
    block(request, request.waitTime(), current, dueNanos);
  }

  void block(ApiRequest request, Duration wait, LongSupplier current, LongSupplier dueNanos)
      throws InterruptedException {
    long asked = request.index();
    if (asked == 0) {
      return;
    }
    Duration capped = wait.compareTo(settings.maxWait()) > 0 ? settings.maxWait() : wait;
    // Consul spreads the returns of many watchers by up to a sixteenth (b.1).
    long jitter = (long) (ThreadLocalRandom.current().nextDouble() * capped.toNanos() / 16);
    index.await(
        () -> current.getAsLong() > asked,
        capped.plusNanos(jitter),
        dueNanos,
        CuttableServerSocket::clientOfThisThreadIsGone);
    // What took the servers away while we waited ends the wait with their error.
    servers.require(request);
  }

  /** The index of the latest write of any config entry, intentions included. */
  long configIndex() {
    return index.locked(() -> Math.max(intentions.tableIndex(), config.tableIndex()));
  }

  /** Blocks until a condition holds, no longer than the request's {@code wait}. */
  void await(ApiRequest request, java.util.function.BooleanSupplier ready)
      throws InterruptedException {
    Duration wait = request.waitTime();
    index.await(
        ready,
        wait.compareTo(settings.maxWait()) > 0 ? settings.maxWait() : wait,
        Plane::neverDue,
        CuttableServerSocket::clientOfThisThreadIsGone);
  }

  static long neverDue() {
    return Long.MAX_VALUE;
  }

  /** Makes a response of one moment. */
  ApiResponse snapshot(Supplier<ApiResponse> body) {
    return index.locked(body);
  }

  /** What the bearer of the request's token may do. */
  Rights rights(ApiRequest request) {
    return acl.rights(request.token());
  }

  /**
   * Does what a query has to do before it may answer. Its refusals carry the headers of queries,
   * with an index of 1 that nobody must take (0.9).
   */
  void permit(ApiRequest request, java.util.function.Predicate<Rights> needed) {
    try {
      Rights.require(needed.test(rights(request)));
    } catch (ApiError e) {
      throw e.asQuery();
    }
  }

  /** Adds the headers that the answer of a query carries. */
  ApiResponse query(ApiResponse response, long shownIndex, boolean knownLeader, String backend) {
    response.header("X-Consul-Index", Long.toString(faults.shown(Math.max(1, shownIndex))));
    response.header("X-Consul-Knownleader", Boolean.toString(knownLeader));
    response.header("X-Consul-Lastcontact", "0");
    if (!settings.old()) {
      response.header("X-Consul-Query-Backend", backend);
    }
    return response;
  }

  static ApiResponse consistency(ApiRequest request, ApiResponse response) {
    return response.header(
        "X-Consul-Effective-Consistency", request.flag("stale") ? "stale" : "leader");
  }

  static void allowOnly(ApiRequest request, String... methods) {
    for (String method : methods) {
      if (method.equals(request.method())) {
        return;
      }
    }
    throw ApiError.methodNotAllowed(request.method(), String.join(",", methods));
  }
}
