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
 */
record AgentCall(
    String method,
    List<String> path,
    List<Parameter> query,
    @Nullable ByteString body,
    Duration hold,
    Duration patience,
    @Nullable String acl) {

  /** An agent without a leader answers after about 7 s. */
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  /** A query parameter. */
  record Parameter(String name, @Nullable String value) {}

  AgentCall {
    path = List.copyOf(path);
    query = List.copyOf(query);
  }

  static AgentCall get(String... path) {
    return new AgentCall("GET", List.of(path), List.of(), null, Duration.ZERO, PATIENCE, null);
  }

  static AgentCall put(ByteString body, String... path) {
    return new AgentCall("PUT", List.of(path), List.of(), body, Duration.ZERO, PATIENCE, null);
  }

  static AgentCall post(ByteString body, String... path) {
    return new AgentCall("POST", List.of(path), List.of(), body, Duration.ZERO, PATIENCE, null);
  }

  AgentCall with(String name, @Nullable String value) {
    List<Parameter> longer = new ArrayList<>(query);
    longer.add(new Parameter(name, value));
    return new AgentCall(method, path, longer, body, hold, patience, acl);
  }

  /** Needs this ACL rule; a 403 is then explained by it. */
  AgentCall needing(String rule) {
    return new AgentCall(method, path, query, body, hold, patience, rule);
  }

  /** Waits no longer than this for the answer. */
  AgentCall within(Duration limit) {
    return new AgentCall(method, path, query, body, hold, limit, acl);
  }

  /** Blocks until the index exceeds this one, or the wait is over. An index of 0 does not block. */
  AgentCall blocking(long index, Duration longest) {
    if (index == 0) {
      return this;
    }
    AgentCall waiting =
        with("index", Long.toUnsignedString(index)).with("wait", longest.toMillis() + "ms");
    return new AgentCall(method, path, waiting.query, body, longest, patience, acl);
  }
}
