package io.meshnative.tests;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The parts of an Envoy's configuration, as Consul's control plane writes them. */
final class EnvoyConfig {
  static final String LEAF = "leaf";
  static final String ROOTS = "roots";

  private static final String TLS = "extensions.transport_sockets.tls.v3.";
  private static final String CONNECTION_MANAGER =
      "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

  private EnvoyConfig() {}

  static Map<String, Object> loopback(int port) {
    return Map.of("socket_address", Map.of("address", "127.0.0.1", "port_value", port));
  }

  // ---- listeners ----

  /** A listener with one chain of filters; plain without a transport socket. */
  static Map<String, Object> listener(
      String name,
      int port,
      List<Map<String, Object>> filters,
      Map<String, Object> transportSocket) {
    Map<String, Object> chain = new LinkedHashMap<>();
    chain.put("filters", filters);
    if (!transportSocket.isEmpty()) {
      chain.put("transport_socket", transportSocket);
    }
    return Map.of("name", name, "address", loopback(port), "filter_chains", List.of(chain));
  }

  static Map<String, Object> filter(String name, Map<String, Object> typed) {
    return Map.of("name", name, "typed_config", typed);
  }

  static Map<String, Object> tcpProxy(String cluster) {
    return filter(
        "envoy.filters.network.tcp_proxy",
        EnvoyJson.typed(
            "extensions.filters.network.tcp_proxy.v3.TcpProxy",
            Map.of("stat_prefix", cluster, "cluster", cluster)));
  }

  /** Decides on connections. */
  static Map<String, Object> networkRbac(Map<String, Object> rules) {
    return filter(
        "envoy.filters.network.rbac",
        EnvoyJson.typed(
            "extensions.filters.network.rbac.v3.RBAC",
            Map.of("stat_prefix", "connect_authz", "rules", rules)));
  }

  /** Decides on requests. */
  static Map<String, Object> httpRbac(Map<String, Object> rules) {
    return filter(
        "envoy.filters.http.rbac",
        EnvoyJson.typed("extensions.filters.http.rbac.v3.RBAC", Map.of("rules", rules)));
  }

  /** The only route there is, to a cluster, for as long as the answer takes. */
  static List<Map<String, Object>> everythingTo(String cluster) {
    return List.of(
        Map.of(
            "match", Map.of("prefix", "/"), "route", Map.of("cluster", cluster, "timeout", "0s")));
  }

  /**
   * Speaks HTTP/1.1 and, by its preface, HTTP/2.
   *
   * @param filters those before the router
   * @param settings others of the connection manager
   */
  static Map<String, Object> connectionManager(
      String name,
      List<Map<String, Object>> routes,
      List<Map<String, Object>> filters,
      Map<String, Object> settings) {
    List<Map<String, Object>> all = new ArrayList<>(filters);
    all.add(
        filter(
            "envoy.filters.http.router",
            EnvoyJson.typed("extensions.filters.http.router.v3.Router", Map.of())));
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("stat_prefix", name);
    fields.put("codec_type", "AUTO");
    fields.put("http_filters", all);
    fields.put("upgrade_configs", List.of(Map.of("upgrade_type", "websocket")));
    fields.put(
        "route_config",
        Map.of(
            "name",
            name,
            "virtual_hosts",
            List.of(Map.of("name", name, "domains", List.of("*"), "routes", routes))));
    fields.putAll(settings);
    return filter(
        "envoy.filters.network.http_connection_manager",
        EnvoyJson.typed(CONNECTION_MANAGER, fields));
  }

  /** Tells the application who its caller is, as Consul 1.12.1 and newer do. */
  static Map<String, Object> forwardedCertificate() {
    return Map.of(
        "forward_client_cert_details",
        "APPEND_FORWARD",
        "set_current_client_cert_details",
        Map.of("subject", true, "cert", true, "chain", true, "dns", true, "uri", true));
  }

  // ---- clusters ----

  /**
   * Endpoints on loopback.
   *
   * @param http what of HTTP is spoken, see {@link #httpOptions}; empty for the default
   */
  static Map<String, Object> cluster(
      String name,
      List<Integer> ports,
      Map<String, Object> http,
      Map<String, Object> transportSocket) {
    List<Map<String, Object>> endpoints = new ArrayList<>();
    for (int port : ports) {
      endpoints.add(Map.of("endpoint", Map.of("address", loopback(port))));
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("type", "STATIC");
    // With the handshake in it, on a machine that does much else.
    fields.put("connect_timeout", Cast.GUARD.toSeconds() + "s");
    // Consul has outlier detection on. Here one endpoint is all there is, and tests that it refuses
    // on purpose must not have to wait until it is taken back.
    fields.put(
        "load_assignment",
        Map.of("cluster_name", name, "endpoints", List.of(Map.of("lb_endpoints", endpoints))));
    if (!http.isEmpty()) {
      fields.put(
          "typed_extension_protocol_options",
          Map.of(
              "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
              EnvoyJson.typed("extensions.upstreams.http.v3.HttpProtocolOptions", http)));
    }
    if (!transportSocket.isEmpty()) {
      fields.put("transport_socket", transportSocket);
    }
    return fields;
  }

  /**
   * How a cluster speaks HTTP.
   *
   * @param fresh whether each request has a connection of its own
   */
  static Map<String, Object> httpOptions(boolean http2, boolean fresh) {
    String version = http2 ? "http2_protocol_options" : "http_protocol_options";
    Map<String, Object> common = fresh ? Map.of("max_requests_per_connection", 1) : Map.of();
    return Map.of(
        "explicit_http_config", Map.of(version, Map.of()), "common_http_protocol_options", common);
  }

  // ---- mutual TLS ----

  /** Where the files of {@link EnvoyIdentity} are. */
  private static Map<String, Object> secret(String name, Path directory) {
    return Map.of(
        "name",
        name,
        "sds_config",
        Map.of(
            "resource_api_version",
            "V3",
            "path_config_source",
            Map.of("path", EnvoyIdentity.file(directory, name).toString())));
  }

  /** For a listener: whoever calls has to show a certificate of the mesh. */
  static Map<String, Object> serverTls(Path directory, List<String> alpn) {
    Map<String, Object> common = new LinkedHashMap<>();
    common.put("tls_certificate_sds_secret_configs", List.of(secret(LEAF, directory)));
    common.put("validation_context_sds_secret_config", secret(ROOTS, directory));
    if (!alpn.isEmpty()) {
      common.put("alpn_protocols", alpn);
    }
    return Map.of(
        "name",
        "tls",
        "typed_config",
        EnvoyJson.typed(
            TLS + "DownstreamTlsContext",
            Map.of("common_tls_context", common, "require_client_certificate", true)));
  }

  /**
   * For a cluster: the server has to be exactly this one.
   *
   * @param newest the newest version of TLS to speak, as Envoy calls it; empty for its own choice
   */
  static Map<String, Object> clientTls(
      Path directory, String serverId, String serverName, String newest) {
    Map<String, Object> validation =
        Map.of(
            "default_validation_context",
            Map.of(
                "match_typed_subject_alt_names",
                List.of(Map.of("san_type", "URI", "matcher", Map.of("exact", serverId)))),
            "validation_context_sds_secret_config",
            secret(ROOTS, directory));
    Map<String, Object> common = new LinkedHashMap<>();
    common.put("tls_certificate_sds_secret_configs", List.of(secret(LEAF, directory)));
    common.put("combined_validation_context", validation);
    if (!newest.isEmpty()) {
      common.put("tls_params", Map.of("tls_maximum_protocol_version", newest));
    }
    return Map.of(
        "name",
        "tls",
        "typed_config",
        EnvoyJson.typed(
            TLS + "UpstreamTlsContext", Map.of("common_tls_context", common, "sni", serverName)));
  }
}
