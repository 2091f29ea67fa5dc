package io.meshnative.internal.consul;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * One call of the agent's HTTP API.
 *
 * @param method the HTTP method
 * @param path the segments after {@code /v1}, not encoded
 * @param query parameters, in order; a null value makes a bare one
 * @param body the JSON to send, if any
 * @param hold how long the agent may hold the call back; zero for a plain read
 * @param patience how long to wait for the answer beyond that
 * @param acl the ACL rule that the call needs, such as {@code service:write on "web"}; null for
 *     none
 * @param rights the token to send
 */
record AgentCall(
    String method,
    List<String> path,
    List<Parameter> query,
    @Nullable ByteString body,
    Duration hold,
    Duration patience,
    @Nullable String acl,
    Rights rights) {

  /** An agent without a leader answers after about 7 s. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /**
   * Which token a call carries.
   *
   * @param own the token to send instead of the client's; empty for none; null for the client's
   * @param hidden what must not show in messages, because the body holds it; null for nothing
   */
  record Rights(@Nullable String own, @Nullable String hidden) {
    static final Rights OF_CLIENT = new Rights(null, null);

    /** Says neither. */
    @Override
    public String toString() {
      return "Rights";
    }
  }

  /** A query parameter. */
  record Parameter(String name, @Nullable String value) {}

  AgentCall {
    path = List.copyOf(path);
    query = List.copyOf(query);
  }

  static AgentCall get(String... path) {
    return new AgentCall(
        "GET", List.of(path), List.of(), null, Duration.ZERO, PATIENCE, null, Rights.OF_CLIENT);
  }

  static AgentCall put(ByteString body, String... path) {
    return new AgentCall(
        "PUT", List.of(path), List.of(), body, Duration.ZERO, PATIENCE, null, Rights.OF_CLIENT);
  }

  static AgentCall post(ByteString body, String... path) {
    return new AgentCall(
        "POST", List.of(path), List.of(), body, Duration.ZERO, PATIENCE, null, Rights.OF_CLIENT);
  }

  /**
   * What no honest answer exceeds, in bytes: lists grow with the mesh, everything that the agent
   * says of itself or of one service is a document.
   */
  long longestBody() {
    boolean list = path.get(0).equals("health") || path.get(0).equals("connect");
    return list ? AgentClient.MAX_BODY : 16L << 20;
  }

  AgentCall with(String name, @Nullable String value) {
    List<Parameter> longer = new ArrayList<>(query);
    longer.add(new Parameter(name, value));
    return new AgentCall(method, path, longer, body, hold, patience, acl, rights);
  }

  /** Needs this ACL rule; a 403 is then explained by it. */
  AgentCall needing(String rule) {
    return new AgentCall(method, path, query, body, hold, patience, rule, rights);
  }

  /** Waits no longer than this for the answer. */
  AgentCall within(Duration limit) {
    return new AgentCall(method, path, query, body, hold, limit, acl, rights);
  }

  /** Blocks until the index exceeds this one, or the wait is over. An index of 0 does not block. */
  AgentCall blocking(long index, Duration longest) {
    if (index == 0) {
      return this;
    }
    AgentCall waiting =
        with("index", Long.toUnsignedString(index)).with("wait", longest.toMillis() + "ms");
    return new AgentCall(method, path, waiting.query, body, longest, patience, acl, rights);
  }

  /** The same question without waiting: its index means nothing to whoever is asked now. */
  AgentCall unblocked() {
    List<Parameter> shorter =
        query.stream()
            .filter(each -> !each.name().equals("index") && !each.name().equals("wait"))
            .toList();
    return new AgentCall(method, path, shorter, body, Duration.ZERO, patience, acl, rights);
  }

  /** Carries this token instead of the client's. */
  AgentCall as(String token) {
    return with(new Rights(token, rights.hidden));
  }

  /** Carries no token, and a body with a secret that must not show in messages. */
  AgentCall anonymously(String hidden) {
    return with(new Rights("", hidden));
  }

  private AgentCall with(Rights other) {
    return new AgentCall(method, path, query, body, hold, patience, acl, other);
  }
}
