package io.meshnative.testkit.internal;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tokens, policies, auth methods and binding rules. Guarded by the {@link BlockingIndex}'s lock;
 * every public method takes it.
 */
public final class AclState {
  static final String MANAGEMENT = "global-management";
  static final String ANONYMOUS = "anonymous";

  /** A policy. */
  record Policy(
      String id, String name, String description, String rules, AclRules parsed, long index) {
    Map<String, @Nullable Object> json(boolean withRules) {
      Map<String, @Nullable Object> json =
          Json.object("ID", id, "Name", name, "Description", description);
      if (withRules) {
        json.put("Rules", rules);
      }
      json.put("Hash", "");
      json.put("CreateIndex", index);
      json.put("ModifyIndex", index);
      return json;
    }
  }

  /** Which identity a login gives. */
  record BindingRule(
      String id,
      String method,
      String selector,
      String bindType,
      String bindName,
      String description,
      long index) {
    Map<String, @Nullable Object> json() {
      return Json.object(
          "ID", id,
          "Description", description,
          "AuthMethod", method,
          "Selector", selector,
          "BindType", bindType,
          "BindName", bindName,
          "CreateIndex", index,
          "ModifyIndex", index);
    }
  }

  private final BlockingIndex index;
  private final PlaneSettings settings;
  private final Supplier<Boolean> defaultAllow;
  private final Map<String, AclToken> bySecret = new LinkedHashMap<>();
  private final Map<String, Policy> policies = new LinkedHashMap<>();
  private final Map<String, JwtAuthMethod> methods = new LinkedHashMap<>();
  private final Map<String, BindingRule> bindings = new LinkedHashMap<>();
  private long tableIndex;

  AclState(BlockingIndex index, PlaneSettings settings, Supplier<Boolean> defaultAllow) {
    this.index = index;
    this.settings = settings;
    this.defaultAllow = defaultAllow;
    if (settings.acls()) {
      index.locked(() -> {
        long now = tick();
        policies.put(
            MANAGEMENT,
            new Policy(
                "00000000-0000-0000-0000-000000000001",
                MANAGEMENT,
                "Builtin Policy that grants unlimited access",
                "",
                new AclRules(List.of()),
                now));
        AclToken master =
            new AclToken(
                UUID.randomUUID().toString(),
                settings.managementToken(),
                "Master Token",
                List.of(MANAGEMENT),
                List.of(),
                List.of(),
                false,
                "",
                settings.clock().instant(),
                null,
                now);
        bySecret.put(master.secretId(), master);
      });
    }
  }

  private long tick() {
    tableIndex = index.next();
    return tableIndex;
  }

  public boolean enabled() {
    return settings.acls();
  }

  long tableIndex() {
    return index.locked(() -> tableIndex);
  }

  /**
   * What the bearer of a secret may do; the empty secret is the anonymous token's.
   *
   * @throws ApiError 403 for a secret that is unknown
   */
  Rights rights(String secret) {
    if (!enabled()) {
      return Rights.all();
    }
    return index.locked(() -> {
      boolean allow = defaultAllow.get();
      if (secret.isEmpty()) {
        return Rights.of(anonymousRules(), allow);
      }
      AclToken token = token(secret).orElseThrow(ApiError::unknownToken);
      return token.policies().contains(MANAGEMENT) ? Rights.all() : Rights.of(rules(token), allow);
    });
  }

  private AclRules anonymousRules() {
    Policy policy = policies.get(ANONYMOUS);
    return policy == null ? new AclRules(List.of()) : policy.parsed();
  }

  private AclRules rules(AclToken token) {
    AclRules all = new AclRules(List.of());
    for (String name : token.policies()) {
      Policy policy = policies.get(name);
      all = policy == null ? all : all.and(policy.parsed());
    }
    for (String service : token.serviceIdentities()) {
      all = all.and(AclRules.ofServiceIdentity(service));
    }
    for (String node : token.nodeIdentities()) {
      all = all.and(AclRules.ofNodeIdentity(node));
    }
    return all;
  }

  /** The token with this secret, unless its time is over. */
  Optional<AclToken> token(String secret) {
    return index.locked(() -> {
      AclToken token = bySecret.get(secret);
      boolean over =
          token != null
              && token.expires() != null
              && !settings.clock().instant().isBefore(token.expires());
      return over ? Optional.empty() : Optional.ofNullable(token);
    });
  }

  Optional<AclToken> byAccessor(String accessor) {
    return index.locked(
        () -> bySecret.values().stream().filter(t -> t.accessorId().equals(accessor)).findFirst());
  }

  List<AclToken> tokens() {
    return index.locked(() -> List.copyOf(bySecret.values()));
  }

  /** Stores a token, or a changed one under the accessor that it has already. */
  AclToken store(AclToken wanted) {
    return index.locked(() -> {
      bySecret.values().removeIf(token -> token.accessorId().equals(wanted.accessorId()));
      AclToken token =
          new AclToken(
              wanted.accessorId(),
              wanted.secretId(),
              wanted.description(),
              wanted.policies(),
              wanted.serviceIdentities(),
              wanted.nodeIdentities(),
              wanted.local(),
              wanted.authMethod(),
              wanted.created(),
              wanted.expires(),
              tick());
      bySecret.put(token.secretId(), token);
      return token;
    });
  }

  /** A token made for a test: with services as identities, and rules as a policy of its own. */
  public String create(List<String> services, String rules) {
    requireEnabled();
    String id = UUID.randomUUID().toString();
    List<String> names = rules.isEmpty() ? List.of() : List.of("test-" + id);
    if (!rules.isEmpty()) {
      AclRules parsed = AclRules.parse(rules);
      storePolicy(names.get(0), "", rules, parsed);
    }
    AclToken token =
        new AclToken(
            id,
            UUID.randomUUID().toString(),
            "",
            names,
            services,
            List.of(),
            false,
            "",
            settings.clock().instant(),
            null,
            0);
    return store(token).secretId();
  }

  /** Destroys a token. Says whether there was one. */
  public boolean destroy(String secret) {
    return index.locked(() -> {
      boolean found = bySecret.remove(secret) != null;
      if (found) {
        tableIndex = index.next();
      }
      return found;
    });
  }

  private void requireEnabled() {
    if (!enabled()) {
      throw new IllegalStateException(
          "this plane has no tokens: build it with acls(true) to have some");
    }
  }

  Policy storePolicy(String name, String description, String rules, AclRules parsed) {
    return index.locked(() -> {
      Policy present = policies.get(name);
      String id = present == null ? UUID.randomUUID().toString() : present.id();
      Policy policy = new Policy(id, name, description, rules, parsed, tick());
      policies.put(name, policy);
      return policy;
    });
  }

  Optional<Policy> policy(String idOrName) {
    return index.locked(() ->
        policies.values().stream()
            .filter(policy -> policy.id().equals(idOrName) || policy.name().equals(idOrName))
            .findFirst());
  }

  List<Policy> policies() {
    return index.locked(() -> List.copyOf(policies.values()));
  }

  Map<String, String> policyIds() {
    return index.locked(() -> {
      Map<String, String> ids = new LinkedHashMap<>();
      policies.values().forEach(policy -> ids.put(policy.name(), policy.id()));
      return ids;
    });
  }

  void storeMethod(JwtAuthMethod method) {
    index.locked(() -> {
      methods.put(method.name(), method);
    });
  }

  /** An auth method and the one rule that binds it, as a test asks for. */
  public void addJwtMethod(JwtAuthMethod method, String selector, String bindName) {
    requireEnabled();
    storeMethod(method);
    BindingRule unused = storeBinding(method.name(), selector, "service", bindName, "");
  }

  /** The index for something that is about to be stored. */
  long nextIndex() {
    return index.locked(this::tick);
  }

  Optional<JwtAuthMethod> method(String name) {
    return index.locked(() -> Optional.ofNullable(methods.get(name)));
  }

  List<JwtAuthMethod> methods() {
    return index.locked(() -> List.copyOf(methods.values()));
  }

  BindingRule storeBinding(
      String method, String selector, String type, String name, String description) {
    return index.locked(() -> {
      String id = UUID.randomUUID().toString();
      BindingRule rule = new BindingRule(id, method, selector, type, name, description, tick());
      bindings.put(id, rule);
      return rule;
    });
  }

  List<BindingRule> bindings(String method) {
    return index.locked(() -> {
      List<BindingRule> all = new ArrayList<>(bindings.values());
      all.removeIf(rule -> !method.isEmpty() && !rule.method().equals(method));
      return all;
    });
  }

  /** When a token of a method expires; null for never. */
  @Nullable Instant expiry(@Nullable Duration life) {
    return life == null || life.isZero() ? null : settings.clock().instant().plus(life);
  }

  Instant now() {
    return settings.clock().instant();
  }
}
