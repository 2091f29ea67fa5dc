package io.meshnative.identity;

import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;

/**
 * A SPIFFE id: {@code spiffe://<trust domain>/<path>}, the name that a certificate proves.
 *
 * <p>Ids compare exactly, byte for byte, trust domain included; nothing is ever normalised. What
 * could be read in two ways is refused instead: upper-case trust domains, ports, user info, query,
 * fragment, empty, {@code .} and {@code ..} segments, a trailing slash, more than 2048 bytes
 * (SPIFFE-ID §2). Path segments hold letters, digits, {@code .}, {@code -} and {@code _}; only the
 * ids that Consul forms may hold percent-encoded characters, and only if encoding the decoded
 * segments again gives the identical bytes.
 *
 * <p>Immutable and thread-safe.
 */
public final class SpiffeId {
  private static final String SCHEME = "spiffe://";
  private static final int MAX_BYTES = 2048;

  /** The GeneralName tag of a URI (RFC 5280 §4.2.1.6). */
  private static final int URI_NAME = 6;

  private static final int IP_NAME = 7;
  private static final int IPV4_BYTES = 4;
  private static final int IPV6_BYTES = 16;
  private static final String ALTERNATIVE_NAMES = "2.5.29.17";

  private final String uri;
  private final TrustDomain trustDomain;
  private final String path;
  private final Optional<ConsulId> consulId;

  private SpiffeId(String uri, TrustDomain trustDomain, String path, Optional<ConsulId> consulId) {
    this.uri = uri;
    this.trustDomain = trustDomain;
    this.path = path;
    this.consulId = consulId;
  }

  /**
   * Parses an id.
   *
   * @param uri the id as text
   * @return the id
   * @throws IllegalArgumentException if it is not a SPIFFE id in its one accepted spelling; the
   *     message says which rule it breaks
   */
  public static SpiffeId parse(String uri) {
    Objects.requireNonNull(uri, "uri");
    if (uri.length() > MAX_BYTES) {
      throw new IllegalArgumentException(
          "expected a SPIFFE id of at most " + MAX_BYTES + " bytes, found " + uri.length());
    }
    if (!uri.startsWith(SCHEME)) {
      throw refused(uri, "it does not start with \"spiffe://\"");
    }
    int slash = uri.indexOf('/', SCHEME.length());
    String authority =
        slash < 0 ? uri.substring(SCHEME.length()) : uri.substring(SCHEME.length(), slash);
    TrustDomain trustDomain;
    try {
      trustDomain = new TrustDomain(authority);
    } catch (IllegalArgumentException e) {
      throw refused(uri, String.valueOf(e.getMessage()));
    }
    String path = slash < 0 ? "" : uri.substring(slash);
    if (path.isEmpty()) {
      return new SpiffeId(uri, trustDomain, path, Optional.empty());
    }
    boolean plain = true;
    for (String segment : path.substring(1).split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
        throw refused(uri, "a path segment is empty, \".\" or \"..\"");
      }
      plain &= isPlain(segment);
    }
    Optional<ConsulId> consul = ConsulId.match(trustDomain, path);
    if (!plain && consul.isEmpty()) {
      throw refused(
          uri,
          "a path segment holds a character other than letters, digits, '.', '-' and '_', and it is not an id"
              + " that Consul forms");
    }
    return new SpiffeId(uri, trustDomain, path, consul);
  }

  /**
   * Reads the id that a certificate proves: its only URI subject alternative name. Names of other
   * kinds (DNS, e-mail, the subject's common name) are never read.
   *
   * @param leaf a certificate as parsed by the JDK's own X.509 factory; other factories were seen
   *     to hide a malformed second name
   * @return the id
   * @throws CertificateException if the certificate has no URI name, more than one, or one that is
   *     not a SPIFFE id
   */
  public static SpiffeId of(X509Certificate leaf) throws CertificateException {
    requireReadable(leaf);
    Collection<List<?>> names;
    try {
      names = leaf.getSubjectAlternativeNames();
    } catch (CertificateParsingException | RuntimeException e) {
      throw new CertificateException(
          "expected readable subject alternative names: " + e.getMessage(), e);
    }
    String found = null;
    if (names != null) {
      for (List<?> name : names) {
        if (name.get(0) instanceof Integer kind && kind == URI_NAME) {
          if (found != null) {
            throw new CertificateException(
                "expected exactly one URI subject alternative name, found "
                    + Text.quote(found)
                    + " and "
                    + Text.quote(String.valueOf(name.get(1))));
          }
          found = String.valueOf(name.get(1));
        }
      }
    }
    if (found == null) {
      throw new CertificateException(
          "expected a SPIFFE id as URI subject alternative name, found none");
    }
    try {
      return parse(found);
    } catch (IllegalArgumentException e) {
      throw new CertificateException(e.getMessage(), e);
    }
  }

  /**
   * An IP name with a mask stands in no leaf (RFC 5280 §4.2.1.6). The JDK takes its length; where
   * the mask has a gap it throws a {@code RuntimeException} at the first reading of the names and
   * shows them at the next, and it keeps the certificates that it has parsed: whether such a leaf
   * proves anything would depend on who read it before.
   */
  private static void requireReadable(X509Certificate leaf) throws CertificateException {
    byte[] extension = leaf.getExtensionValue(ALTERNATIVE_NAMES);
    if (extension == null) {
      return;
    }
    try {
      for (ASN1Encodable each :
          ASN1Sequence.getInstance(ASN1OctetString.getInstance(extension).getOctets())) {
        ASN1TaggedObject name = ASN1TaggedObject.getInstance(each);
        if (name.hasContextTag(IP_NAME)) {
          int length = ASN1OctetString.getInstance(name, false).getOctets().length;
          if (length != IPV4_BYTES && length != IPV6_BYTES) {
            throw new CertificateException(
                "expected an IP address of 4 or 16 bytes among the subject alternative names, found"
                    + " one of "
                    + length);
          }
        }
      }
    } catch (RuntimeException e) {
      throw new CertificateException("expected readable subject alternative names", e);
    }
  }

  private static boolean isPlain(String segment) {
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      boolean allowed =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '-'
              || c == '_';
      if (!allowed) {
        return false;
      }
    }
    return true;
  }

  private static IllegalArgumentException refused(String uri, String why) {
    return new IllegalArgumentException(
        "expected a SPIFFE id, found " + Text.quote(uri) + ": " + why);
  }

  /**
   * Returns the trust domain.
   *
   * @return the trust domain
   */
  public TrustDomain trustDomain() {
    return trustDomain;
  }

  /**
   * Returns the path as it stands in the id, percent-encoding untouched, with its leading slash.
   *
   * @return the path, empty for the id of a trust domain itself
   */
  public String path() {
    return path;
  }

  /**
   * Returns what the id means to Consul.
   *
   * @return the Consul id, empty if Consul does not form ids like this one
   */
  public Optional<ConsulId> consulId() {
    return consulId;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SpiffeId that && uri.equals(that.uri);
  }

  @Override
  public int hashCode() {
    return uri.hashCode();
  }

  /** Returns the id as a URI. */
  @Override
  public String toString() {
    return uri;
  }
}
