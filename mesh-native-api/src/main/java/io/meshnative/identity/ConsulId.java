package io.meshnative.identity;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * What a SPIFFE id means to Consul. Segments are held decoded; {@link #spiffeId()} encodes them as
 * Consul's server does.
 *
 * <p>Immutable and thread-safe.
 */
public sealed interface ConsulId {

  /** The partition, namespace of ids that name none. */
  String DEFAULT = "default";

  /**
   * Returns the trust domain.
   *
   * @return the trust domain
   */
  TrustDomain trustDomain();

  /**
   * Returns the id in the one spelling that Consul gives it.
   *
   * @return the SPIFFE id
   */
  SpiffeId spiffeId();

  /**
   * A service: {@code /[ap/<partition>/]ns/<namespace>/dc/<datacenter>/svc/<service>}.
   *
   * @param trustDomain the trust domain
   * @param partition the admin partition, {@value ConsulId#DEFAULT} unless Consul Enterprise says
   *     otherwise
   * @param namespace the namespace, {@value ConsulId#DEFAULT} unless Consul Enterprise says
   *     otherwise
   * @param datacenter the datacenter in which the certificate was issued
   * @param service the service's name
   */
  record Service(
      TrustDomain trustDomain,
      String partition,
      String namespace,
      String datacenter,
      String service)
      implements ConsulId {
    /** Checks the segments. */
    public Service {
      Objects.requireNonNull(trustDomain, "trustDomain");
      Segments.check("partition", partition);
      Segments.check("namespace", namespace);
      Segments.check("datacenter", datacenter);
      Segments.check("service", service);
    }

    @Override
    public SpiffeId spiffeId() {
      return SpiffeId.parse(
          "spiffe://"
              + trustDomain
              + Segments.partition(partition)
              + "/ns/"
              + Segments.encode(namespace)
              + "/dc/"
              + Segments.encode(datacenter)
              + "/svc/"
              + Segments.encode(service));
    }
  }

  /**
   * A mesh gateway: {@code /[ap/<partition>/]gateway/mesh/dc/<datacenter>} (Consul 1.13+).
   *
   * @param trustDomain the trust domain
   * @param partition the admin partition
   * @param datacenter the datacenter
   */
  record Gateway(TrustDomain trustDomain, String partition, String datacenter) implements ConsulId {
    /** Checks the segments. */
    public Gateway {
      Objects.requireNonNull(trustDomain, "trustDomain");
      Segments.check("partition", partition);
      Segments.check("datacenter", datacenter);
    }

    @Override
    public SpiffeId spiffeId() {
      return SpiffeId.parse(
          "spiffe://"
              + trustDomain
              + Segments.partition(partition)
              + "/gateway/mesh/dc/"
              + Segments.encode(datacenter));
    }
  }

  /**
   * A client agent: {@code /[ap/<partition>/]agent/client/dc/<datacenter>/id/<node>}.
   *
   * @param trustDomain the trust domain
   * @param partition the admin partition
   * @param datacenter the datacenter
   * @param node the node's name
   */
  record Agent(TrustDomain trustDomain, String partition, String datacenter, String node)
      implements ConsulId {
    /** Checks the segments. */
    public Agent {
      Objects.requireNonNull(trustDomain, "trustDomain");
      Segments.check("partition", partition);
      Segments.check("datacenter", datacenter);
      Segments.check("node", node);
    }

    @Override
    public SpiffeId spiffeId() {
      return SpiffeId.parse(
          "spiffe://"
              + trustDomain
              + Segments.partition(partition)
              + "/agent/client/dc/"
              + Segments.encode(datacenter)
              + "/id/"
              + Segments.encode(node));
    }
  }

  /**
   * A server: {@code /agent/server/dc/<datacenter>} (Consul 1.14+).
   *
   * @param trustDomain the trust domain
   * @param datacenter the datacenter
   */
  record Server(TrustDomain trustDomain, String datacenter) implements ConsulId {
    /** Checks the segments. */
    public Server {
      Objects.requireNonNull(trustDomain, "trustDomain");
      Segments.check("datacenter", datacenter);
    }

    @Override
    public SpiffeId spiffeId() {
      return SpiffeId.parse(
          "spiffe://" + trustDomain + "/agent/server/dc/" + Segments.encode(datacenter));
    }
  }

  /**
   * Reads a path as Consul's own parser does, but accepts it only if encoding the decoded segments
   * again gives the identical path.
   *
   * @param trustDomain the trust domain
   * @param path the path, still encoded
   * @return the id, empty if Consul forms no such id
   */
  static Optional<ConsulId> match(TrustDomain trustDomain, String path) {
    return Segments.match(trustDomain, path);
  }
}

/**
 * Path segments of Consul's ids: decoded, checked, and encoded as Go's {@code net/url} encodes a
 * path.
 */
final class Segments {
  private static final String KEPT = "-_.~$&+,:;=@";

  private Segments() {}

  static void check(String what, String segment) {
    Objects.requireNonNull(segment, what);
    String wrong = defect(segment);
    if (wrong != null) {
      throw new IllegalArgumentException(
          "expected a " + what + ", found " + Text.quote(segment) + ": " + wrong);
    }
  }

  private static @org.jspecify.annotations.Nullable String defect(String segment) {
    if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
      return "it is empty, \".\" or \"..\"";
    }
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      if (c == '/' || c == '\\' || Character.isISOControl(c)) {
        return "it holds '/', '\\' or a control character";
      }
    }
    return null;
  }

  static String partition(String partition) {
    return partition.equals(ConsulId.DEFAULT)
        ? ""
        : "/ap/" + encode(partition.toLowerCase(Locale.ROOT));
  }

  static String encode(String segment) {
    StringBuilder encoded = new StringBuilder(segment.length());
    for (byte b : segment.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean kept = (c < 0x80 && Character.isLetterOrDigit(c)) || KEPT.indexOf(c) >= 0;
      if (kept) {
        encoded.append(c);
      } else {
        encoded.append('%').append(String.format("%02X", (int) c));
      }
    }
    return encoded.toString();
  }

  private static @org.jspecify.annotations.Nullable String decode(String segment) {
    if (segment.indexOf('%') < 0) {
      return segment;
    }
    byte[] bytes = new byte[segment.length()];
    int length = 0;
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      if (c > 0x7e) {
        return null;
      }
      if (c != '%') {
        bytes[length++] = (byte) c;
        continue;
      }
      if (i + 2 >= segment.length()) {
        return null;
      }
      int high = Character.digit(segment.charAt(i + 1), 16);
      int low = Character.digit(segment.charAt(i + 2), 16);
      if (high < 0 || low < 0) {
        return null;
      }
      bytes[length++] = (byte) (high << 4 | low);
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(ByteBuffer.wrap(bytes, 0, length))
          .toString();
    } catch (CharacterCodingException e) {
      return null; // not UTF-8: no spelling of it is accepted
    }
  }

  static Optional<ConsulId> match(TrustDomain trustDomain, String path) {
    if (!path.startsWith("/")) {
      return Optional.empty();
    }
    List<String> segments = new ArrayList<>();
    for (String raw : path.substring(1).split("/", -1)) {
      String segment = decode(raw);
      if (segment == null || defect(segment) != null || !encode(segment).equals(raw)) {
        return Optional.empty();
      }
      segments.add(segment);
    }
    String partition = ConsulId.DEFAULT;
    if (segments.size() > 2 && segments.get(0).equals("ap")) {
      partition = segments.get(1);
      boolean canonical =
          !partition.equals(ConsulId.DEFAULT)
              && partition.equals(partition.toLowerCase(Locale.ROOT));
      if (!canonical) {
        return Optional.empty();
      }
      segments = segments.subList(2, segments.size());
    }
    return switch (segments.size()) {
      case 6 -> {
        if (is(segments, 0, "ns") && is(segments, 2, "dc") && is(segments, 4, "svc")) {
          yield Optional.of(
              new ConsulId.Service(
                  trustDomain, partition, segments.get(1), segments.get(3), segments.get(5)));
        }
        if (is(segments, 0, "agent")
            && is(segments, 1, "client")
            && is(segments, 2, "dc")
            && is(segments, 4, "id")) {
          yield Optional.of(
              new ConsulId.Agent(trustDomain, partition, segments.get(3), segments.get(5)));
        }
        yield Optional.empty();
      }
      case 4 -> {
        if (is(segments, 0, "gateway") && is(segments, 1, "mesh") && is(segments, 2, "dc")) {
          yield Optional.of(new ConsulId.Gateway(trustDomain, partition, segments.get(3)));
        }
        if (partition.equals(ConsulId.DEFAULT)
            && is(segments, 0, "agent")
            && is(segments, 1, "server")
            && is(segments, 2, "dc")) {
          yield Optional.of(new ConsulId.Server(trustDomain, segments.get(3)));
        }
        yield Optional.empty();
      }
      default -> Optional.empty();
    };
  }

  private static boolean is(List<String> segments, int index, String literal) {
    return segments.get(index).equals(literal);
  }
}
