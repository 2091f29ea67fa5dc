package io.meshnative.tests;

import static io.meshnative.tests.Cast.await;

import io.meshnative.MeshClient;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * A plane that denies what no intention speaks of, the service {@code api} with an HTTP server on
 * it, and raw callers of any name. Who is called {@code web} has layer-7 rules, {@code batch} is
 * let through by a layer-4 intention, everybody else is denied.
 */
final class HttpWorld implements AutoCloseable {
  static final String SERVICE = "api";
  static final String WEB = "web";
  static final String BATCH = "batch";
  static final String STRANGER = "stranger";

  final EmbeddedControlPlane plane = EmbeddedControlPlane.builder().defaultAllow(false).start();
  final RecordingApplication application = new RecordingApplication();
  final MeshClient api;
  final HttpServerUnderTest server;
  private final Map<String, RawPeer> callers = new HashMap<>();
  private int marker;

  HttpWorld(HttpServerKind kind, TlsKind tls) throws Exception {
    MeshClient.Builder builder = new EmbeddedPlane(plane).client(SERVICE).sessionResumption(true);
    tls.provider().ifPresent(builder::tlsProvider);
    plane.allow(BATCH, SERVICE);
    api = builder.build();
    api.awaitReady(Cast.GUARD);
    server = kind.start(api, application);
    await("the gate is armed", server::armed);
    rules("");
  }

  /**
   * Gives {@code web} these permissions, objects as in Consul's API with commas between, and waits
   * until the server goes by them; others that it had are gone.
   */
  void rules(String permissions) throws Exception {
    String path = "/marker-" + marker++;
    String last = "{\"Action\":\"allow\",\"HTTP\":{\"PathExact\":\"" + path + "\"}}";
    plane.intention(
        WEB, SERVICE, "[" + permissions + (permissions.isEmpty() ? "" : ",") + last + "]");
    HttpRequestView request = get(path);
    await("the rules are held", () -> api.explain(WEB, request).isAllowed());
  }

  /** Denies {@code web} altogether, and waits until the server knows it. */
  void denyWeb() {
    plane.deny(WEB, SERVICE);
    await("web is denied", () -> !api.explain(WEB, get("/marker-" + (marker - 1))).isAllowed());
  }

  private static HttpRequestView get(String path) {
    try {
      return HttpRequestView.of("GET", path, List.of("api"), Map.of());
    } catch (MalformedRequestException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** A caller with one TLS context, which keeps its sessions and offers them again. */
  RawPeer caller(String service) {
    return callers.computeIfAbsent(
        service, name -> RawPeer.of(TlsWorld.Tls.JSSE.security(), plane.caIssue(name)));
  }

  /** Connects as a service; its handshake is done at the first byte. */
  RawHttp connect(String service, String... versions) throws IOException {
    return new RawHttp(caller(service).connect(server.port(), versions));
  }

  /** Connects as a service and speaks HTTP/2. */
  RawHttp2 connectHttp2(String service) throws IOException {
    SSLSocket socket = caller(service).connect(server.port());
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"h2"});
    socket.setSSLParameters(parameters);
    return new RawHttp2(socket);
  }

  @Override
  public void close() throws Exception {
    try {
      server.close();
    } finally {
      api.close();
      plane.close();
    }
  }
}
