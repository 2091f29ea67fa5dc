package io.meshnative.identity;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The root certificates under which ids of one trust domain are proven. Roots of one domain never
 * vouch for ids of another.
 *
 * <p>Immutable and thread-safe; equality is by trust domain and set of roots.
 */
public final class TrustBundle {
  private final TrustDomain trustDomain;
  private final Set<X509Certificate> roots;

  private TrustBundle(TrustDomain trustDomain, Set<X509Certificate> roots) {
    this.trustDomain = trustDomain;
    this.roots = roots;
  }

  /**
   * Makes a bundle.
   *
   * @param trustDomain the domain whose ids these roots prove
   * @param roots at least one CA certificate; copied
   * @return the bundle
   * @throws CertificateException if there is no root, or one of them is not a CA certificate
   */
  public static TrustBundle of(TrustDomain trustDomain, Collection<X509Certificate> roots)
      throws CertificateException {
    Objects.requireNonNull(trustDomain, "trustDomain");
    if (roots.isEmpty()) {
      throw new CertificateException(
          "expected at least one root certificate for " + trustDomain + ", found none");
    }
    Set<X509Certificate> copy = new LinkedHashSet<>();
    for (X509Certificate root : roots) {
      X509Certificate parsed = Pem.reparse(root);
      if (parsed.getBasicConstraints() < 0) {
        throw new CertificateException(
            "expected CA certificates as roots of "
                + trustDomain
                + ", found one that is none: "
                + parsed.getSubjectX500Principal());
      }
      copy.add(parsed);
    }
    return new TrustBundle(trustDomain, java.util.Collections.unmodifiableSet(copy));
  }

  /**
   * Reads a bundle from PEM.
   *
   * @param trustDomain the domain whose ids these roots prove
   * @param pems texts with one or more {@code CERTIFICATE} blocks each
   * @return the bundle
   * @throws CertificateException if a text holds no readable certificate, or one that is not a CA's
   */
  public static TrustBundle ofPem(TrustDomain trustDomain, Collection<String> pems)
      throws CertificateException {
    List<X509Certificate> roots = new ArrayList<>();
    for (String pem : pems) {
      roots.addAll(Pem.certificates(pem));
    }
    return of(trustDomain, roots);
  }

  /**
   * Returns the domain whose ids these roots prove.
   *
   * @return the trust domain
   */
  public TrustDomain trustDomain() {
    return trustDomain;
  }

  /**
   * Returns the roots.
   *
   * @return an unmodifiable set, never empty
   */
  public Set<X509Certificate> roots() {
    return roots;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TrustBundle that
        && trustDomain.equals(that.trustDomain)
        && roots.equals(that.roots);
  }

  @Override
  public int hashCode() {
    return Objects.hash(trustDomain, roots);
  }

  /** Returns the trust domain and the number of roots. */
  @Override
  public String toString() {
    return "TrustBundle["
        + trustDomain
        + ", "
        + roots.size()
        + (roots.size() == 1 ? " root]" : " roots]");
  }
}
