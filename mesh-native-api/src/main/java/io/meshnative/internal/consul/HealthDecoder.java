package io.meshnative.internal.consul;

import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Makes endpoints of the rows of {@code GET /v1/health/connect}.
 *
 * <p>The catalog is not trusted to say who answers: a row that names another service or datacenter
 * than the one asked for is skipped, never adopted. Its address may then be wrong, but what must
 * answer there is what the caller wanted.
 *
 * @param destination whom the caller wants
 * @param partition its partition
 * @param namespace its namespace
 * @param trustDomain of the current roots
 * @param ownDatacenter where we are; null if not known yet
 */
record HealthDecoder(
    Destination destination,
    String partition,
    String namespace,
    TrustDomain trustDomain,
    @Nullable String ownDatacenter) {

  static final int MAX_ROWS = 10_000;
  private static final int MAX_SKIPPED = 100;
  private static final int MAX_NAME = 1024;

  /** By its look: the JDK parses it. A port behind an IPv4 address has one colon. */
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*");

  /** A host name, or an IPv4 address: what is neither must not reach a resolver. */
  private static final Pattern NAME =
      Pattern.compile(
          "[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\\.?");

  /** A row that cannot be taken, and why. */
  private static final class Skip extends Exception {
    private static final long serialVersionUID = 1L;

    Skip(String why) {
      super(why, null, false, false);
    }
  }

  EndpointSet decode(String what, Answer answer) throws ControlPlaneException {
    List<Endpoint> endpoints = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    int[] rows = {0, 0}; // seen, skipped
    Json.document(
        what,
        answer.body(),
        false,
        reader -> {
          Json.require(reader, JsonReader.Token.BEGIN_ARRAY);
          Json.array(
              reader,
              () -> {
                if (rows[0]++ >= MAX_ROWS) {
                  reader.skipValue();
                  return;
                }
                HealthRow row = HealthRow.read(reader);
                try {
                  endpoints.add(endpoint(row));
                } catch (Skip e) {
                  if (rows[1]++ < MAX_SKIPPED) {
                    skipped.add(Shown.quote(row.node + "/" + row.instance) + ": " + e.getMessage());
                  }
                }
              });
          return endpoints;
        });
    if (rows[1] > MAX_SKIPPED) {
      skipped.add((rows[1] - MAX_SKIPPED) + " more rows were skipped");
    }
    if (rows[0] > MAX_ROWS) {
      skipped.add(
          "expected at most "
              + MAX_ROWS
              + " rows, found "
              + rows[0]
              + ": those behind were not taken");
    }
    return new EndpointSet(destination, endpoints, emptiness(answer, endpoints, rows[0]), skipped);
  }

  private static Emptiness emptiness(Answer answer, List<Endpoint> endpoints, int rows) {
    if (!endpoints.isEmpty()) {
      return Emptiness.NOT_EMPTY;
    }
    if (rows > 0) {
      return Emptiness.ALL_SKIPPED;
    }
    return hidden(answer) ? Emptiness.FILTERED_BY_ACL : Emptiness.NO_INSTANCE;
  }

  /**
   * Whether an empty answer may be one with hidden rows. Before 1.11 no header says so, but a token
   * without {@code service:read} is shown index 1 and no known leader, which no true answer has.
   */
  static boolean hidden(Answer answer) {
    return answer.filteredByAcls() || (answer.index() == 1 && !answer.knownLeader());
  }

  private Endpoint endpoint(HealthRow row) throws Skip {
    String problem = row.problem;
    if (problem != null) {
      throw new Skip(problem);
    }
    Endpoint.Kind kind = kind(row);
    String service = kind == Endpoint.Kind.PROXY ? row.proxied : row.service;
    if (!service.equals(destination.service())) {
      throw new Skip(
          "expected the service " + destination.service() + ", found " + Shown.quote(service));
    }
    checkPlace(row);
    int weight = row.weight();
    if (weight < 1) {
      throw new Skip("it is not healthy, or its weight is below 1");
    }
    ConsulId.Service identity;
    try {
      identity = new ConsulId.Service(trustDomain, partition, namespace, row.datacenter, service);
      identity.spiffeId();
    } catch (IllegalArgumentException e) {
      throw new Skip(String.valueOf(e.getMessage()));
    }
    return address(row, kind, identity, weight);
  }

  private static Endpoint.Kind kind(HealthRow row) throws Skip {
    if (row.kind.equals("connect-proxy")) {
      return Endpoint.Kind.PROXY;
    }
    if (row.kind.isEmpty() && row.isNative) {
      return Endpoint.Kind.NATIVE;
    }
    throw new Skip(
        row.kind.isEmpty()
            ? "it is neither connect-native nor a sidecar"
            : "its kind is " + Shown.quote(row.kind) + ", not a sidecar");
  }

  private void checkPlace(HealthRow row) throws Skip {
    if (!row.peer.isEmpty()) {
      throw new Skip(
          "it is imported from the peer " + Shown.quote(row.peer) + ", which is not supported yet");
    }
    String wanted = destination.datacenter().orElse(ownDatacenter);
    if (row.datacenter.isEmpty() || (wanted != null && !row.datacenter.equals(wanted))) {
      throw new Skip(
          "expected the datacenter " + wanted + ", found " + Shown.quote(row.datacenter));
    }
    requireSame("namespace", namespace, row.namespace);
    requireSame("partition", partition, row.partition);
    if (row.instance.length() > MAX_NAME || row.node.length() > MAX_NAME) {
      throw new Skip("its id or its node's name is longer than " + MAX_NAME + " characters");
    }
    if (row.node.indexOf('/') >= 0 || hasControl(row.node) || hasControl(row.instance)) {
      throw new Skip("its id or its node's name holds a control character or '/'");
    }
  }

  private static void requireSame(String what, String wanted, String found) throws Skip {
    String given = found.isEmpty() ? "default" : found;
    if (!given.equals(wanted)) {
      throw new Skip("expected the " + what + " " + wanted + ", found " + Shown.quote(given));
    }
  }

  private Endpoint address(HealthRow row, Endpoint.Kind kind, ConsulId.Service identity, int weight)
      throws Skip {
    boolean remote = destination.datacenter().filter(dc -> !dc.equals(ownDatacenter)).isPresent();
    String host;
    Integer port = row.port;
    if (remote && !row.wanAddress.isBlank()) {
      host = row.wanAddress;
      Integer wanPort = row.wanPort;
      port = wanPort == null || wanPort != 0 ? wanPort : port;
    } else if (!row.address.isBlank()) {
      host = row.address;
    } else if (remote && !row.nodeWan.isBlank()) {
      host = row.nodeWan;
    } else {
      host = row.nodeAddress;
    }
    if (host.isBlank()) {
      throw new Skip("it has no address");
    }
    if (host.indexOf('%') >= 0) {
      throw new Skip("its address has an IPv6 scope, which means nothing on this machine");
    }
    boolean plausible =
        host.indexOf(':') >= 0 ? IPV6.matcher(host).matches() : NAME.matcher(host).matches();
    if (host.length() > 255 || !plausible) {
      throw new Skip("its address is neither an IP address nor a host name");
    }
    if (!row.socketPath.isEmpty()) {
      return unixSocket(row, host, kind, identity, weight);
    }
    if (port == null || port < 1 || port > 65535) {
      throw new Skip("expected a port from 1 to 65535, found " + (port == null ? "another" : port));
    }
    return new Endpoint(row.instance, row.node, host, port, identity, kind, weight);
  }

  private Endpoint unixSocket(
      HealthRow row, String host, Endpoint.Kind kind, ConsulId.Service identity, int weight)
      throws Skip {
    try {
      return new Endpoint(
          row.instance, row.node, host, 0, identity, kind, weight, Optional.of(row.socketPath));
    } catch (IllegalArgumentException e) {
      throw new Skip("its unix socket has no usable path");
    }
  }

  private static boolean hasControl(String text) {
    return text.chars().anyMatch(Character::isISOControl);
  }
}
