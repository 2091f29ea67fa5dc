package io.meshnative.testkit;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.jspecify.annotations.Nullable;

/**
 * What a leaf certificate is to hold. Starts as Consul's own leaves are and can be bent in every
 * direction, so that a test can mint the peer that must be refused:
 *
 * <pre>{@code
 * authority.issue(LeafSpec.service("web"));                                 // as Consul would
 * authority.issue(LeafSpec.service("web").uri("spiffe://other/ns/x"));      // two URI names
 * authority.issue(LeafSpec.withoutNames().dns("web.example.com"));          // no identity at all
 * authority.issue(LeafSpec.service("web").usage(ExtendedUsage.SERVER));     // not for clients
 * }</pre>
 *
 * <p>Immutable: every method returns a changed copy. Values are not checked for sense; that is the
 * point.
 */
public final class LeafSpec {
  /** What a certificate may be used for in TLS. */
  public enum ExtendedUsage {
    /** {@code id-kp-clientAuth}. */
    CLIENT(KeyPurposeId.id_kp_clientAuth),
    /** {@code id-kp-serverAuth}. */
    SERVER(KeyPurposeId.id_kp_serverAuth),
    /** {@code id-kp-codeSigning}: of no use in TLS. */
    CODE_SIGNING(KeyPurposeId.id_kp_codeSigning);

    @SuppressWarnings("ImmutableEnumChecker") // an object identifier; BouncyCastle never changes it
    final KeyPurposeId id;

    ExtendedUsage(KeyPurposeId id) {
      this.id = id;
    }
  }

  private static final int CONSUL_KEY_USAGE =
      KeyUsage.digitalSignature
          | KeyUsage.keyEncipherment
          | KeyUsage.dataEncipherment
          | KeyUsage.keyAgreement;

  final @Nullable String service;
  final String datacenter;
  final List<GeneralName> names;
  final @Nullable String commonName;
  final boolean emptySubject;
  final List<ExtendedUsage> usages;
  final int keyUsage;
  final boolean ca;
  final @Nullable Instant notBefore;
  final @Nullable Instant notAfter;
  final Duration life;
  final KeyType keyType;

  private LeafSpec(Draft draft) {
    this.service = draft.service;
    this.datacenter = draft.datacenter;
    this.names = List.copyOf(draft.names);
    this.commonName = draft.commonName;
    this.emptySubject = draft.emptySubject;
    this.usages = List.copyOf(draft.usages);
    this.keyUsage = draft.keyUsage;
    this.ca = draft.ca;
    this.notBefore = draft.notBefore;
    this.notAfter = draft.notAfter;
    this.life = draft.life;
    this.keyType = draft.keyType;
  }

  /**
   * A leaf for a service, with the one URI name {@code
   * spiffe://<trust-domain>/ns/default/dc/dc1/svc/<name>}. The name goes into the URI as it is.
   */
  public static LeafSpec service(String name) {
    Draft draft = new Draft();
    draft.service = name;
    return new LeafSpec(draft);
  }

  /** A leaf with no subject alternative name; add some, or leave it without an identity. */
  public static LeafSpec withoutNames() {
    return new LeafSpec(new Draft());
  }

  /** Sets the datacenter in the service's URI. Default {@code dc1}. */
  public LeafSpec datacenter(String value) {
    Draft draft = new Draft(this);
    draft.datacenter = value;
    return new LeafSpec(draft);
  }

  /** Adds a URI name, as the raw ASCII text given. */
  public LeafSpec uri(String value) {
    return name(new GeneralName(GeneralName.uniformResourceIdentifier, value));
  }

  /**
   * Adds a URI name of arbitrary bytes, which an IA5String may not hold. Such a certificate cannot
   * always be parsed by the JDK: where the name extension is critical, issuing it fails.
   */
  public LeafSpec uriBytes(byte... value) {
    // An implicitly tagged OCTET STRING has the same encoding as an implicitly tagged IA5String.
    return name(
        new GeneralName(GeneralName.uniformResourceIdentifier, new DEROctetString(value.clone())));
  }

  /** Adds a DNS name. Consul's leaves have none. */
  public LeafSpec dns(String value) {
    return name(new GeneralName(GeneralName.dNSName, value));
  }

  /** Adds an IP address. Consul's leaves have none. */
  public LeafSpec ip(String value) {
    return name(new GeneralName(GeneralName.iPAddress, value));
  }

  /** Adds an e-mail name. Consul's leaves have none. */
  public LeafSpec email(String value) {
    return name(new GeneralName(GeneralName.rfc822Name, value));
  }

  private LeafSpec name(GeneralName name) {
    Draft draft = new Draft(this);
    draft.names.add(name);
    return new LeafSpec(draft);
  }

  /** Replaces the extended key usages; none at all leaves the extension out. */
  public LeafSpec usage(ExtendedUsage... values) {
    Draft draft = new Draft(this);
    draft.usages = List.of(values);
    return new LeafSpec(draft);
  }

  /**
   * Replaces the key usage bits, as in {@link KeyUsage}, for example {@code
   * KeyUsage.keyEncipherment}; 0 leaves the extension out.
   */
  public LeafSpec keyUsage(int bits) {
    Draft draft = new Draft(this);
    draft.keyUsage = bits;
    return new LeafSpec(draft);
  }

  /** Says whether the certificate claims to be an authority. Default false. */
  public LeafSpec ca(boolean value) {
    Draft draft = new Draft(this);
    draft.ca = value;
    return new LeafSpec(draft);
  }

  /** Sets the window of validity; X.509 keeps whole seconds. */
  public LeafSpec validity(Instant from, Instant until) {
    Draft draft = new Draft(this);
    draft.notBefore = from;
    draft.notAfter = until;
    return new LeafSpec(draft);
  }

  /**
   * Sets how long the leaf lives. From an hour on this counts from notBefore, a minute before now,
   * as in Consul; shorter lives, which Consul does not offer, count from now. Default 72 hours.
   */
  public LeafSpec life(Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException("a leaf's life must be positive, not " + value);
    }
    Draft draft = new Draft(this);
    draft.life = value;
    return new LeafSpec(draft);
  }

  /** Sets the type of the leaf's key. Default {@link KeyType#EC_P256}. */
  public LeafSpec keyType(KeyType value) {
    Draft draft = new Draft(this);
    draft.keyType = value;
    return new LeafSpec(draft);
  }

  /** Leaves the subject empty and makes the names critical, as Consul does from 1.11 on. */
  public LeafSpec emptySubject() {
    Draft draft = new Draft(this);
    draft.emptySubject = true;
    return new LeafSpec(draft);
  }

  /** Sets the subject's common name. Without it: as Consul 1.8 to 1.10 derive it. */
  public LeafSpec commonName(String value) {
    Draft draft = new Draft(this);
    draft.commonName = value;
    return new LeafSpec(draft);
  }

  private static final class Draft {
    @Nullable String service;
    String datacenter = "dc1";
    final List<GeneralName> names = new ArrayList<>();
    @Nullable String commonName;
    boolean emptySubject;
    List<ExtendedUsage> usages = List.of(ExtendedUsage.CLIENT, ExtendedUsage.SERVER);
    int keyUsage = CONSUL_KEY_USAGE;
    boolean ca;
    @Nullable Instant notBefore;
    @Nullable Instant notAfter;
    Duration life = Duration.ofDays(3);
    KeyType keyType = KeyType.EC_P256;

    Draft() {}

    Draft(LeafSpec spec) {
      service = spec.service;
      datacenter = spec.datacenter;
      names.addAll(spec.names);
      commonName = spec.commonName;
      emptySubject = spec.emptySubject;
      usages = spec.usages;
      keyUsage = spec.keyUsage;
      ca = spec.ca;
      notBefore = spec.notBefore;
      notAfter = spec.notAfter;
      life = spec.life;
      keyType = spec.keyType;
    }
  }
}
