package io.meshnative.spring.boot;

import java.util.Optional;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.core.env.Environment;

/**
 * Warns where nobody can tell that the application is well: its only connector is the mesh, and
 * neither the kubelet nor Consul's HTTP check has an identity to show there.
 */
final class MeshProbes implements ApplicationListener<WebServerInitializedEvent> {
  private static final System.Logger LOG = System.getLogger("io.meshnative");

  private final MeshProperties properties;
  private final Environment environment;

  MeshProbes(MeshProperties properties, Environment environment) {
    this.properties = properties;
    this.environment = environment;
  }

  @Override
  public void onApplicationEvent(WebServerInitializedEvent event) {
    if (event.getApplicationContext().getServerNamespace() == null) {
      warning().ifPresent(warning -> LOG.log(System.Logger.Level.WARNING, warning));
    }
  }

  Optional<String> warning() {
    if (properties.server().mode() != MeshProperties.Server.Mode.PRIMARY
        || properties.register().enabled()
        || hasManagementPort()) {
      return Optional.empty();
    }
    return Optional.of(
        "mesh-native.server.mode=primary, and probes cannot reach this application: the kubelet and"
            + " Consul's HTTP checks have no identity of the mesh. Set management.server.port for a"
            + " plain port of its own, or mesh-native.register.enabled=true, whose TTL check needs"
            + " no connection. What Consul knows now: consul catalog nodes -detailed -service=<name>");
  }

  private boolean hasManagementPort() {
    String management = environment.getProperty("management.server.port", "");
    return !management.isBlank()
        && !management.startsWith("-")
        && (management.equals("0")
            || !management.equals(environment.getProperty("server.port", "8080")));
  }
}
