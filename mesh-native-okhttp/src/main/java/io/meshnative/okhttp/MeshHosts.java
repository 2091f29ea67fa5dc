package io.meshnative.okhttp;

import io.meshnative.discovery.Destination;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Which host names of URLs are services of the mesh. All others are left alone.
 *
 * <ul>
 *   <li>{@code db.mesh}, and longer {@code db.<namespace>.ns.<partition>.ap.<datacenter>.dc.mesh},
 *       each part as needed; the suffix can be another one.
 *   <li>Consul's own names: {@code db.service.consul}, {@code db.service.dc2.consul}, {@code
 *       db.virtual.consul}, and both with the parts above (<a
 *       href="https://developer.hashicorp.com/consul/docs/services/discovery/dns-static-lookups">Consul
 *       DNS</a>). A name with a tag in front is refused: mesh instances are chosen by intentions
 *       and config entries, not by tags.
 * </ul>
 *
 * <p>Immutable and thread-safe.
 */
public final class MeshHosts {
  private static final String CONSUL = ".consul";
  private static final int MAX_KNOWN = 1024;
  private static final MeshHosts DEFAULTS = new MeshHosts(".mesh", true);

  private final String suffix;
  private final boolean consulNames;

  /** Names that were read before: each call asks twice. Not more than a few programs call. */
  private final Map<String, Optional<Destination>> known = new ConcurrentHashMap<>();

  private MeshHosts(String suffix, boolean consulNames) {
    this.suffix = suffix;
    this.consulNames = consulNames;
  }

  /**
   * Returns the defaults: the suffix {@code .mesh}, and Consul's names.
   *
   * @return the defaults
   */
  public static MeshHosts defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with another suffix.
   *
   * @param suffix such as {@code mesh} or {@code svc.internal}, with or without a leading dot
   * @return the copy
   * @throws IllegalArgumentException if it is no domain name
   */
  public MeshHosts withSuffix(String suffix) {
    String bare = suffix.startsWith(".") ? suffix.substring(1) : suffix;
    if (!bare.matches("[A-Za-z0-9-]{1,63}(\\.[A-Za-z0-9-]{1,63})*")) {
      throw new IllegalArgumentException(
          "expected a domain name such as mesh as suffix of mesh hosts, found \""
              + suffix
                  .codePoints()
                  .filter(c -> c >= ' ' && c < 127)
                  .limit(64)
                  .collect(
                      StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              + "\"");
    }
    return new MeshHosts("." + bare.toLowerCase(Locale.ROOT), consulNames);
  }

  /**
   * Returns a copy that leaves Consul's own names to DNS.
   *
   * @return the copy
   */
  public MeshHosts withoutConsulNames() {
    return new MeshHosts(suffix, false);
  }

  /**
   * Reads a host name.
   *
   * @param host the host of a URL
   * @return the service that it names; empty if it is outside the mesh
   * @throws UnknownHostException if it has a suffix of the mesh and names no service; never is such
   *     a name left to DNS
   */
  public Optional<Destination> destination(String host) throws UnknownHostException {
    Optional<Destination> before = known.get(host);
    if (before != null) {
      return before;
    }
    Optional<Destination> found = read(host);
    if (found.isPresent() && known.size() < MAX_KNOWN) {
      known.put(host, found);
    }
    return found;
  }

  private Optional<Destination> read(String host) throws UnknownHostException {
    String name = host.toLowerCase(Locale.ROOT);
    while (name.endsWith(".")) { // a resolver may take several for one
      name = name.substring(0, name.length() - 1);
    }
    if (name.endsWith(suffix) || name.equals(suffix.substring(1))) {
      String bare = name.substring(0, Math.max(0, name.length() - suffix.length()));
      return Optional.of(parse(host, labels(bare), 0));
    }
    if (consulNames && name.endsWith(CONSUL)) {
      List<String> labels = labels(name.substring(0, name.length() - CONSUL.length()));
      int kind = Math.max(labels.lastIndexOf("service"), labels.lastIndexOf("virtual"));
      if (kind >= 0) {
        return Optional.of(parse(host, labels, kind));
      }
    }
    return Optional.empty();
  }

  private static List<String> labels(String name) {
    return new ArrayList<>(List.of(name.split("\\.", -1)));
  }

  /**
   * Reads a name from behind.
   *
   * @param kind the place of the label that says what kind of name it is; 0 for none
   */
  private static Destination parse(String host, List<String> labels, int kind)
      throws UnknownHostException {
    int end = labels.size();
    int first = kind == 0 ? 1 : kind + 1; // the first label that may be a part
    Set<String> given = new LinkedHashSet<>();
    String datacenter = null;
    String namespace = null;
    String partition = null;
    if (kind > 0 && end - first == 1) {
      datacenter = labels.get(--end); // db.service.dc2.consul
    }
    while (end - first >= 2 && Set.of("ns", "ap", "dc").contains(labels.get(end - 1))) {
      String part = labels.get(end - 1);
      if (!given.add(part)) {
        throw unknown(host, "the part ." + part + " twice");
      }
      String value = labels.get(end - 2);
      switch (part) {
        case "ns" -> namespace = value;
        case "ap" -> partition = value;
        default -> datacenter = value;
      }
      end -= 2;
    }
    if (kind > 0 && end != first) {
      throw unknown(host, "parts that are none of <namespace>.ns, <partition>.ap, <datacenter>.dc");
    }
    if (kind > 1) {
      throw unknown(host, "a tag or a dot in front of the service's name");
    }
    String service = String.join(".", labels.subList(0, kind == 0 ? end : kind));
    try {
      Destination.Builder destination = Destination.builder(service);
      if (namespace != null) {
        destination.namespace(namespace);
      }
      if (partition != null) {
        destination.partition(partition);
      }
      if (datacenter != null) {
        destination.datacenter(datacenter);
      }
      return destination.build();
    } catch (IllegalArgumentException e) {
      throw unknown(host, String.valueOf(e.getMessage()));
    }
  }

  private static UnknownHostException unknown(String host, String found) {
    return new UnknownHostException(
        "expected the name of a mesh service such as db.mesh, found "
            + found
            + " in \""
            + host
            + "\"; it is not looked up anywhere else");
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof MeshHosts that
        && suffix.equals(that.suffix)
        && consulNames == that.consulNames;
  }

  @Override
  public int hashCode() {
    return Objects.hash(suffix, consulNames);
  }

  /** Returns the suffixes. */
  @Override
  public String toString() {
    return "*" + suffix + (consulNames ? ", *.service.consul, *.virtual.consul" : "");
  }
}
