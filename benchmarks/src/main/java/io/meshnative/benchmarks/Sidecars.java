package io.meshnative.benchmarks;

import io.meshnative.testkit.IssuedCertificate;
import java.io.File;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The proxies that one has without the library: processes of their own, one on each side. */
final class Sidecars implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Held while others listen on them: a port that was free a moment ago may be somebody's now. */
  private static final List<Socket> RESERVED = Collections.synchronizedList(new ArrayList<>());

  private final Path directory;
  private final List<Process> started = new ArrayList<>();

  Sidecars() throws IOException {
    directory = Files.createTempDirectory("benchmarks");
  }

  /** By {@code -Dmesh.it.<name>=}, else on the PATH. */
  static Optional<String> find(String name) {
    String given = System.getProperty("mesh.it." + name, "");
    if (!given.isBlank()) {
      return Optional.of(given);
    }
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(part -> Path.of(part, name))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst();
  }

  static int reserve() throws IOException {
    Socket socket = new Socket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    RESERVED.add(socket);
    return socket.getLocalPort();
  }

  /**
   * What a pair of sidecars is.
   *
   * @param port where callers find the one on their side
   * @param inbound where the other one listens, by mutual TLS
   * @param processes the caller's, then the server's
   */
  record Pair(int port, int inbound, List<Process> processes) {}

  /** What a pair of Envoys carries. */
  enum Carried {
    /** Bytes; the caller's id is looked at once a connection. */
    TCP,
    /** Requests over HTTP/1.1. */
    HTTP1,
    /** Requests over HTTP/2. */
    HTTP2
  }

  /**
   * Consul's own proxy on both sides, with a real agent. It carries bytes, and asks the agent for
   * each connection.
   */
  Pair builtIn(String consul, int application) throws Exception {
    return builtIn(consul, reserve(), application);
  }

  /** The same, with the agent's API on a port that {@link #reserve} gave. */
  Pair builtIn(String consul, int http, int application) throws Exception {
    start(
        List.of(
            consul,
            "agent",
            "-dev",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-log-level=err",
            "-http-port=" + http,
            "-server-port=" + reserve(),
            "-serf-lan-port=" + reserve(),
            "-serf-wan-port=" + reserve(),
            "-grpc-port=-1",
            "-dns-port=-1"));
    awaitListening(http);
    String agent = "-http-addr=127.0.0.1:" + http;
    int there = reserve();
    int here = reserve();
    Process server =
        start(
            List.of(
                consul,
                "connect",
                "proxy",
                agent,
                "-service=api",
                "-service-addr=127.0.0.1:" + application,
                "-listen=127.0.0.1:" + there,
                "-register"));
    awaitListening(there);
    Process client =
        start(List.of(consul, "connect", "proxy", agent, "-service=web", "-upstream=api:" + here));
    awaitListening(here);
    return new Pair(here, there, List.of(client, server));
  }

  /**
   * Envoy on both sides, as Consul configures it: mutual TLS, the server's exact id, the caller's
   * by RBAC, HTTP routed.
   */
  Pair envoy(
      String envoy,
      Carried carried,
      int application,
      X509Certificate root,
      IssuedCertificate web,
      IssuedCertificate api)
      throws Exception {
    int there = reserve();
    int here = reserve();
    String roots = text(pem(root));
    String inbound =
        bootstrap(
            there,
            rbac(carried, id(web)),
            "\"transport_socket\":{\"name\":\"tls\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext\",\"require_client_certificate\":true,\"common_tls_context\":{"
                + own(api)
                + ",\"validation_context\":{\"trusted_ca\":{\"inline_string\":"
                + roots
                + "}}"
                + (carried == Carried.TCP ? "" : ",\"alpn_protocols\":[\"h2\",\"http/1.1\"]")
                + "}}},",
            application,
            carried,
            "");
    String outbound =
        bootstrap(
            here,
            "",
            "",
            there,
            carried,
            ",\"transport_socket\":{\"name\":\"tls\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext\",\"common_tls_context\":{\"tls_params\":{\"tls_maximum_protocol_version\":\"TLSv1_3\"},"
                + own(web)
                + ",\"validation_context\":{\"trusted_ca\":{\"inline_string\":"
                + roots
                + "},\"match_typed_subject_alt_names\":[{\"san_type\":\"URI\",\"matcher\":{\"exact\":"
                + text(id(api))
                + "}}]}}}}");
    Process server = envoy(envoy, "inbound", inbound);
    awaitListening(there);
    Process client = envoy(envoy, "outbound", outbound);
    awaitListening(here);
    return new Pair(here, there, List.of(client, server));
  }

  private Process envoy(String envoy, String name, String json) throws IOException {
    Path file = Files.writeString(directory.resolve(name + ".json"), json);
    return start(
        List.of(
            envoy,
            "-c",
            file.toString(),
            "--use-dynamic-base-id",
            "--concurrency",
            String.valueOf(Runtime.getRuntime().availableProcessors()),
            "-l",
            "error"));
  }

  /** One listener, one route, one cluster. */
  private static String bootstrap(
      int port, String rbac, String listenerTls, int to, Carried carried, String clusterTls) {
    return "{\"static_resources\":{\"listeners\":[{\"name\":\"in\",\"address\":"
        + address(port)
        + ",\"filter_chains\":[{"
        + listenerTls
        + "\"filters\":["
        + filters(carried, rbac)
        + "]}]}],\"clusters\":[{\"name\":\"out\",\"type\":\"STATIC\",\"connect_timeout\":\"60s\",\"load_assignment\":{\"cluster_name\":\"out\",\"endpoints\":[{\"lb_endpoints\":[{\"endpoint\":{\"address\":"
        + address(to)
        + "}}]}]}"
        + upstreamOptions(carried)
        + clusterTls
        + "}]}}";
  }

  private static String filters(Carried carried, String rbac) {
    return carried == Carried.TCP
        ? rbac
            + "{\"name\":\"envoy.filters.network.tcp_proxy\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy\",\"stat_prefix\":\"in\",\"cluster\":\"out\"}}"
        : "{\"name\":\"envoy.filters.network.http_connection_manager\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager\",\"stat_prefix\":\"in\",\"codec_type\":\"AUTO\",\"http_filters\":["
            + rbac
            + "{\"name\":\"envoy.filters.http.router\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\"}}],\"route_config\":{\"name\":\"in\",\"virtual_hosts\":[{\"name\":\"in\",\"domains\":[\"*\"],\"routes\":[{\"match\":{\"prefix\":\"/\"},\"route\":{\"cluster\":\"out\",\"timeout\":\"0s\"}}]}]}}}";
  }

  private static String upstreamOptions(Carried carried) {
    return switch (carried) {
      case TCP -> "";
      case HTTP1 -> httpOptions("http_protocol_options");
      case HTTP2 -> httpOptions("http2_protocol_options");
    };
  }

  private static String httpOptions(String version) {
    return ",\"typed_extension_protocol_options\":{\"envoy.extensions.upstreams.http.v3.HttpProtocolOptions\":{\"@type\":\"type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions\",\"explicit_http_config\":{\""
        + version
        + "\":{}}}}";
  }

  private static String rbac(Carried carried, String caller) {
    String rules =
        "\"rules\":{\"action\":\"ALLOW\",\"policies\":{\"layer4\":{\"permissions\":[{\"any\":true}],\"principals\":[{\"authenticated\":{\"principal_name\":{\"exact\":"
            + text(caller)
            + "}}}]}}}}},";
    return carried == Carried.TCP
        ? "{\"name\":\"envoy.filters.network.rbac\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC\",\"stat_prefix\":\"in\","
            + rules
        : "{\"name\":\"envoy.filters.http.rbac\",\"typed_config\":{\"@type\":\"type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC\","
            + rules;
  }

  private static String own(IssuedCertificate issued) {
    return "\"tls_certificates\":[{\"certificate_chain\":{\"inline_string\":"
        + text(issued.certPem())
        + "},\"private_key\":{\"inline_string\":"
        + text(issued.keyPem())
        + "}}]";
  }

  private static String address(int port) {
    return "{\"socket_address\":{\"address\":\"127.0.0.1\",\"port_value\":" + port + "}}";
  }

  private static String text(String plain) {
    return "\"" + plain.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }

  private static String id(IssuedCertificate issued) throws Exception {
    return issued.leaf().getSubjectAlternativeNames().stream()
        .filter(name -> name.get(0).equals(6)) // uniformResourceIdentifier
        .map(name -> String.valueOf(name.get(1)))
        .findFirst()
        .orElseThrow();
  }

  private static String pem(X509Certificate certificate) throws Exception {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
            .encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  private Process start(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(started.size() + ".log").toFile())
            .start();
    started.add(process);
    return process;
  }

  private void awaitListening(int port) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 10_000);
        return;
      } catch (ConnectException e) {
        if (System.nanoTime() > end || started.stream().anyMatch(one -> !one.isAlive())) {
          throw new IllegalStateException(
              "expected a process that listens on " + port + ", found none; see " + directory, e);
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  @Override
  public void close() throws Exception {
    for (int i = started.size() - 1; i >= 0; i--) {
      started.get(i).destroy();
      if (!started.get(i).waitFor(10, TimeUnit.SECONDS)) {
        started.get(i).destroyForcibly().waitFor();
      }
    }
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }
}
