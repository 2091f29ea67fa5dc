package io.meshnative.spring.boot.grpc;

import io.meshnative.discovery.Destination;
import io.meshnative.okhttp.MeshHosts;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientProperties;
import org.springframework.core.env.PropertyResolver;
import org.springframework.grpc.client.VirtualTargets;

/**
 * Reads the targets of channels: their names in the properties, and which of them are services of
 * the mesh. Thread-safe.
 *
 * @param hosts which host names are
 * @param properties the channels that have names
 * @param placeholders resolves what stands in <code>${…}</code>
 */
record MeshChannelTargets(
    MeshHosts hosts, GrpcClientProperties properties, PropertyResolver placeholders)
    implements VirtualTargets {
  private static final String SCHEME = "mesh:";

  /**
   * A host, as it stands in a target without a scheme or behind those by which Spring Boot says
   * just that. {@code dns:///…} is not among them: who writes it means DNS. The port is the
   * catalog's.
   */
  private static final Pattern HOST =
      Pattern.compile(
          "((static|tcp):/*)?(?<host>[a-z0-9_.-]+)(:[0-9]*)?", Pattern.CASE_INSENSITIVE);

  @Override
  public String getTarget(String name) {
    GrpcClientProperties.Channel channel = properties.getChannel().get(name);
    return placeholders.resolvePlaceholders(channel == null ? name : channel.getTarget());
  }

  /** Whether the target, or the one that has this name, is a service of the mesh. */
  boolean inMesh(String name) {
    String target = getTarget(name);
    return hasScheme(target) || destination(target).isPresent();
  }

  /** Whether the target has the scheme {@code mesh}. */
  static boolean hasScheme(String target) {
    return target.toLowerCase(Locale.ROOT).startsWith(SCHEME);
  }

  /**
   * The service that a host names.
   *
   * @return empty if it is outside the mesh
   * @throws IllegalArgumentException if it has the suffix of the mesh and names no service; never
   *     is such a name left to DNS
   */
  Optional<Destination> destination(String target) {
    Matcher parts = HOST.matcher(target);
    if (!parts.matches()) {
      return Optional.empty();
    }
    try {
      return hosts.destination(parts.group("host"));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
