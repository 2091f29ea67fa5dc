package io.meshnative.consul;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a builder has collected, filled from an environment and checked. Not thread-safe. */
final class ConsulSettings {
  private static final String LOCAL_AGENT = "127.0.0.1:8500";

  final Setting<List<String>> addresses = new Setting<>("address");
  final Setting<String> token = new Setting<>("token");
  final Setting<Path> tokenFile = new Setting<>("tokenFile");
  final Setting<ConsulLogin> login = new Setting<>("login");
  final Setting<String> basicAuth = new Setting<>("basicAuth");
  final Setting<Boolean> tls = new Setting<>("tls");
  final Setting<Boolean> verify = new Setting<>("verify");
  final Setting<Path> caFile = new Setting<>("caFile");
  final Setting<Path> caDirectory = new Setting<>("caDirectory");
  final Setting<Path> clientCertificate = new Setting<>("clientCertificate");
  final Setting<Path> clientKey = new Setting<>("clientKey");
  final Setting<String> tlsServerName = new Setting<>("tlsServerName");
  final Setting<String> namespace = new Setting<>("namespace");
  final Setting<String> partition = new Setting<>("partition");
  final Setting<Boolean> allowPlaintext = new Setting<>("allowPlaintext");
  final Set<String> tolerated = new LinkedHashSet<>();

  /** Returns a copy whose gaps an environment has filled. */
  ConsulSettings filledFrom(Environment variables) {
    ConsulSettings filled = copy();
    boolean hasRights = token.isSet() || tokenFile.isSet() || login.isSet();
    String address = variables.address("CONSUL_HTTP_ADDR");
    filled.addresses.orElse(address == null ? null : List.of(address));
    if (!hasRights) {
      filled.token.orElse(variables.token("CONSUL_HTTP_TOKEN"));
      filled.tokenFile.orElse(variables.file("CONSUL_HTTP_TOKEN_FILE"));
      filled.login.orElse(login(variables));
      if (!filled.token.isSet() && !filled.tokenFile.isSet() && !filled.login.isSet()) {
        filled.token.orElse(variables.nomadToken());
        filled.tokenFile.orElse(filled.token.isSet() ? null : variables.nomadTokenFile());
      }
    }
    filled.basicAuth.orElse(variables.basicAuth("CONSUL_HTTP_AUTH"));
    filled.tls.orElse(variables.bool("CONSUL_HTTP_SSL"));
    filled.verify.orElse(variables.bool("CONSUL_HTTP_SSL_VERIFY"));
    filled.caFile.orElse(variables.file("CONSUL_CACERT"));
    filled.caDirectory.orElse(variables.file("CONSUL_CAPATH"));
    if (!clientCertificate.isSet()) {
      filled.clientCertificate.orElse(variables.file("CONSUL_CLIENT_CERT"));
      filled.clientKey.orElse(variables.file("CONSUL_CLIENT_KEY"));
    }
    filled.tlsServerName.orElse(variables.text("CONSUL_TLS_SERVER_NAME"));
    filled.namespace.orElse(variables.text("CONSUL_NAMESPACE"));
    filled.partition.orElse(variables.text("CONSUL_PARTITION"));
    return filled;
  }

  private ConsulSettings copy() {
    ConsulSettings copy = new ConsulSettings();
    addresses.copyTo(copy.addresses);
    token.copyTo(copy.token);
    tokenFile.copyTo(copy.tokenFile);
    login.copyTo(copy.login);
    basicAuth.copyTo(copy.basicAuth);
    tls.copyTo(copy.tls);
    verify.copyTo(copy.verify);
    caFile.copyTo(copy.caFile);
    caDirectory.copyTo(copy.caDirectory);
    clientCertificate.copyTo(copy.clientCertificate);
    clientKey.copyTo(copy.clientKey);
    tlsServerName.copyTo(copy.tlsServerName);
    namespace.copyTo(copy.namespace);
    partition.copyTo(copy.partition);
    allowPlaintext.copyTo(copy.allowPlaintext);
    copy.tolerated.addAll(tolerated);
    return copy;
  }

  /** The variables with which consul-k8s tells its containers to log in. */
  private static @Nullable ConsulLogin login(Environment variables) {
    String method = variables.text("CONSUL_LOGIN_AUTH_METHOD");
    if (method == null) {
      return null;
    }
    Path file = variables.file("CONSUL_LOGIN_BEARER_TOKEN_FILE");
    ConsulLogin login = ConsulLogin.of(method, file == null ? ConsulLogin.KUBERNETES_TOKEN : file);
    String meta = variables.text("CONSUL_LOGIN_META");
    if (meta != null) {
      login = login.withMeta(ConsulLogin.parseMeta(meta));
    }
    String namespace = variables.text("CONSUL_LOGIN_NAMESPACE");
    if (namespace != null) {
      login = login.withNamespace(namespace);
    }
    String partition = variables.text("CONSUL_LOGIN_PARTITION");
    if (partition != null) {
      login = login.withPartition(partition);
    }
    String datacenter = variables.text("CONSUL_LOGIN_DATACENTER");
    return datacenter == null ? login : login.withDatacenter(datacenter);
  }

  /** Checks everything and returns where the agents listen, the preferred one first. */
  List<ConsulAddress> check() {
    List<ConsulAddress> parsed = new ArrayList<>();
    List<String> texts = addresses.get();
    for (String text : texts == null ? List.of(LOCAL_AGENT) : texts) {
      ConsulAddress address = address(text);
      if (parsed.contains(address)) {
        throw new IllegalArgumentException(
            "the addresses of the Consul agents: expected each once, found " + address + " twice");
      }
      parsed.add(address);
    }
    if (parsed.isEmpty()) {
      throw new IllegalArgumentException(
          "the addresses of the Consul agents: expected at least one, found none");
    }
    if (clientCertificate.isSet() != clientKey.isSet()) {
      throw new IllegalArgumentException(
          "expected both client certificate and key, found only the "
              + (clientKey.isSet()
                  ? "key; set CONSUL_CLIENT_CERT too"
                  : "certificate; set CONSUL_CLIENT_KEY too"));
    }
    if (login.isSet() && (token.isSet() || tokenFile.isSet())) {
      throw new IllegalArgumentException(
          "expected a token or a login, found both: leave out CONSUL_HTTP_TOKEN and"
              + " CONSUL_HTTP_TOKEN_FILE, or CONSUL_LOGIN_AUTH_METHOD");
    }
    Path file = tokenFile.get();
    if (file != null) {
      Secrets.readToken(file, "token", "CONSUL_HTTP_TOKEN_FILE");
    }
    String serverName = tlsServerName.get();
    if (serverName != null) {
      tlsServerName.replace(Environment.serverName(serverName));
    }
    return List.copyOf(parsed);
  }

  private ConsulAddress address(String text) {
    ConsulAddress address;
    try {
      address = ConsulAddress.parse(text, isTls());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("the address of the Consul agent: " + e.getMessage(), e);
    }
    if (address.scheme() == ConsulAddress.Scheme.HTTP
        && !address.isLoopback()
        && !Boolean.TRUE.equals(allowPlaintext.get())) {
      throw new IllegalArgumentException(
          "expected HTTPS or an agent on this machine, found "
              + address
              + ": the service's private key would cross the network in plaintext; use https://"
              + " (CONSUL_HTTP_SSL), or allowPlaintext(true) if the path is protected otherwise");
    }
    return address;
  }

  boolean isTls() {
    return Boolean.TRUE.equals(tls.get());
  }

  static ConsulSettings of(ConsulSettings explicit, @Nullable Map<String, String> environment) {
    // The builder stays as it was: built twice, it gives the same twice.
    return environment == null
        ? explicit.copy()
        : explicit.filledFrom(new Environment(environment));
  }
}
