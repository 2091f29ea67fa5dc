package io.meshnative.tests;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * A running Envoy that is asked what it says of triples, over mutual TLS and by the bytes of each
 * request. Each permission set is a route of its own, which a header chooses that no rule names;
 * whatever its filter lets through is answered there and then.
 */
final class EnvoyOracle implements AutoCloseable {
  /** What Envoy says. */
  enum Answer {
    ALLOWED,
    DENIED,
    /** It is no request to Envoy: nothing was decided. */
    MALFORMED
  }

  private static final String CASE = "x-case";

  private final EmbeddedPlane plane = EmbeddedPlane.start(true);
  private final Map<String, RawPeer> peers = new HashMap<>();
  private final Map<String, Object> settings;

  /**
   * Starts the plane that its certificates are of.
   *
   * @param settings of the connection manager
   */
  EnvoyOracle(Map<String, Object> settings) {
    this.settings = settings;
  }

  /** Asks about each triple, in their order, an Envoy that has exactly their permission sets. */
  List<Answer> ask(List<L7Cases.Triple> triples) throws IOException {
    Map<L7Cases.Policy, Integer> numbers = new IdentityHashMap<>();
    List<Map<String, Object>> routes = new ArrayList<>();
    for (L7Cases.Triple triple : triples) {
      if (numbers.putIfAbsent(triple.policy(), routes.size()) == null) {
        routes.add(route(routes.size(), triple.policy()));
      }
    }
    int port = Ports.reserve();
    Path directory = EnvoyProcess.newDirectory();
    EnvoyIdentity unused = EnvoyIdentity.fetch(plane, L7Cases.SERVICE, directory);
    Map<String, Object> listener =
        EnvoyConfig.listener(
            "oracle",
            port,
            List.of(
                EnvoyConfig.connectionManager(
                    "oracle", routes, List.of(EnvoyConfig.httpRbac(Map.of())), settings)),
            EnvoyConfig.serverTls(directory, List.of()));
    try (EnvoyProcess envoy =
            EnvoyProcess.start(
                directory, Map.of("static_resources", Map.of("listeners", List.of(listener))));
        Connections connections = new Connections(port)) {
      List<Answer> answers = new ArrayList<>();
      for (L7Cases.Triple triple : triples) {
        answers.add(connections.ask(triple, numbers.get(triple.policy())));
      }
      long decided = answers.stream().filter(answer -> answer != Answer.MALFORMED).count();
      long counted = envoy.stat("http.oracle.rbac.allowed") + envoy.stat("http.oracle.rbac.denied");
      if (counted != decided) {
        throw new IOException("expected " + decided + " decisions of the filter, found " + counted);
      }
      return answers;
    }
  }

  private static Map<String, Object> route(int number, L7Cases.Policy policy) {
    Map<String, Object> rbac =
        EnvoyJson.typed(
            "extensions.filters.http.rbac.v3.RBACPerRoute",
            Map.of(
                "rbac",
                Map.of("rules", EnvoyRbac.ofRequests(policy.intentions(), policy.byDefault()))));
    return Map.of(
        "match",
        Map.of(
            "prefix",
            "/",
            "headers",
            List.of(
                Map.of("name", CASE, "string_match", Map.of("exact", Integer.toString(number))))),
        "direct_response",
        Map.of("status", 200, "body", Map.of("inline_string", "let through")),
        "typed_per_filter_config",
        Map.of("envoy.filters.http.rbac", rbac));
  }

  /** One for each caller, for as long as Envoy keeps it. */
  private final class Connections implements AutoCloseable {
    private final int port;
    private final Map<String, RawHttp> open = new HashMap<>();

    Connections(int port) {
      this.port = port;
    }

    Answer ask(L7Cases.Triple triple, int number) throws IOException {
      L7Cases.Request request = triple.request();
      RawHttp http = open.get(request.caller());
      if (http == null) {
        http = new RawHttp(peer(request.caller()).connect(port));
        open.put(request.caller(), http);
      }
      RawHttp.Answer answer = http.send(text(request, number)).read(request.method());
      if (answer.header("connection").equals("close")) {
        http.close();
        open.remove(request.caller());
      }
      return switch (answer.status()) {
        case 200 -> Answer.ALLOWED;
        case 403 -> Answer.DENIED;
        case 400 -> Answer.MALFORMED;
        default -> throw new IOException("expected 200, 403 or 400, found " + answer);
      };
    }

    private static String text(L7Cases.Request request, int number) {
      StringBuilder text = new StringBuilder();
      text.append(request.method()).append(' ').append(request.target()).append(" HTTP/1.1\r\n");
      text.append("host: ").append(request.host()).append("\r\n");
      text.append(CASE).append(": ").append(number).append("\r\n");
      for (L7Cases.Line line : request.headers()) {
        text.append(line.name()).append(": ").append(line.value()).append("\r\n");
      }
      return text.append("\r\n").toString();
    }

    @Override
    public void close() {
      open.values().forEach(RawHttp::close);
    }
  }

  private RawPeer peer(String caller) {
    return peers.computeIfAbsent(
        caller, name -> RawPeer.of(TlsWorld.Tls.JSSE.security(), plane.plane().caIssue(name)));
  }

  @Override
  public void close() {
    plane.close();
  }
}
