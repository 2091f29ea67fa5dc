package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import io.meshnative.consul.ConsulAddress;
import io.meshnative.consul.ConsulConfig;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The environment: what a deployment may have got wrong. */
public final class EnvironmentTarget {
  private static final String[] NAMES = {
    "CONSUL_HTTP_ADDR",
    "CONSUL_HTTP_TOKEN",
    "CONSUL_HTTP_AUTH",
    "CONSUL_HTTP_SSL",
    "CONSUL_HTTP_SSL_VERIFY",
    "CONSUL_CLIENT_CERT",
    "CONSUL_CLIENT_KEY",
    "CONSUL_CACERT",
    "CONSUL_TLS_SERVER_NAME",
    "CONSUL_NAMESPACE",
    "CONSUL_PARTITION",
    "CONSUL_LOGIN_AUTH_METHOD",
    "CONSUL_LOGIN_META",
    "CONSUL_LOGIN_DATACENTER",
    "CONSUL_LOGIN_BEARER_TOKEN_FILE",
    "NOMAD_ALLOC_ID",
    "CONSUL_TOKEN",
    "NOMAD_SECRETS_DIR",
    "NOMAD_ALLOC_DIR",
  };
  private static final Set<String> SECRET =
      Set.of("CONSUL_HTTP_TOKEN", "CONSUL_HTTP_AUTH", "CONSUL_TOKEN");

  private EnvironmentTarget() {}

  /** Called by the fuzzer: variables one after the other, each a letter and its value, by lines. */
  public static void fuzzerTestOneInput(byte[] input) {
    Map<String, String> environment = new HashMap<>();
    for (String line : new String(input, StandardCharsets.UTF_8).split("\n")) {
      if (!line.isEmpty()) {
        environment.put(NAMES[line.charAt(0) % NAMES.length], line.substring(1));
      }
    }
    String shown;
    try {
      ConsulConfig config = ConsulConfig.fromEnvironment(environment);
      accepted(config, environment);
      shown = config.toString();
    } catch (IllegalArgumentException e) {
      shown = String.valueOf(e.getMessage());
    }
    for (String name : SECRET) {
      String secret = environment.getOrDefault(name, "");
      boolean elsewhere =
          environment.entrySet().stream()
              .anyMatch(e -> !SECRET.contains(e.getKey()) && e.getValue().contains(secret));
      require(secret.length() < 24 || elsewhere || !shown.contains(secret), "no secret is shown");
    }
  }

  private static void accepted(ConsulConfig config, Map<String, String> environment) {
    for (ConsulAddress address : config.addresses()) {
      if (address.scheme() == ConsulAddress.Scheme.HTTP) {
        String host = address.host();
        boolean loopback =
            host.equalsIgnoreCase("localhost")
                || host.startsWith("127.")
                || host.replace(":", "").replace("0", "").equals("1");
        require(loopback, "plaintext stays on this machine");
      }
      if (address.scheme() != ConsulAddress.Scheme.UNIX) {
        require(address.port() >= 1 && address.port() <= 65_535, "a port is one");
        ConsulAddress again = ConsulAddress.parse(address.toString(), false);
        require(again.equals(address), "an address reads back from its text");
      }
    }
    String verify = environment.getOrDefault("CONSUL_HTTP_SSL_VERIFY", "");
    require(
        config.verify()
            || verify.equalsIgnoreCase("false")
            || verify.equals("0")
            || verify.equalsIgnoreCase("f"),
        "verification is switched off by a clear no only");
    config
        .currentToken()
        .ifPresent(token ->
            require(
                token.chars().allMatch(c -> c > 0x20 && c < 0x7f), "a header can carry the token"));
  }
}
