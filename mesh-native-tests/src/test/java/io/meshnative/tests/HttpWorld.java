package io.meshnative.tests;

import static io.meshnative.tests.Cast.await;

import io.meshnative.MeshClient;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
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
    // Each set of rules begins with a denial of a path of its own, so that it can be told.
    String path = "/marker-" + marker++;
    String first = "{\"Action\":\"deny\",\"HTTP\":{\"PathExact\":\"" + path + "\"}}";
    plane.intention(
        WEB, SERVICE, "[" + first + (permissions.isEmpty() ? "" : ",") + permissions + "]");
    HttpRequestView request = get(path);
    await(
        "the rules are held",
        () ->
            api.explain(WEB, request) instanceof Decision.Denied denied
                && denied.cause() == Decision.Cause.PERMISSION
                && denied.permissionIndex().equals(OptionalInt.of(0)));
  }

  /** Denies {@code web} altogether, and waits until the server knows it. */
  void denyWeb() {
    plane.deny(WEB, SERVICE);
    await(
        "web is denied",
        () ->
            api.explain(WEB) instanceof Decision.Denied denied
                && denied.cause() == Decision.Cause.INTENTION);
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

  /** A new root, and a leaf of it for the server; the old root stays, and the callers' leaves. */
  void rotate() {
    plane.rotateRoot();
    await(
        "the server has a leaf of the new root",
        () ->
            api.identity()
                .chain()
                .get(0)
                .getIssuerX500Principal()
                .equals(plane.authority().root().getSubjectX500Principal()));
  }

  /** The old roots go, and with them what was proven under them. */
  void removeOldRoots() {
    long before = api.trustGeneration();
    plane.removeOldRoots();
    await("the server trusts the new root only", () -> api.trustGeneration() > before);
  }

  /** New leaves, of the newest root, for whoever connects from now on. */
  void renewCallers() {
    callers.clear();
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
