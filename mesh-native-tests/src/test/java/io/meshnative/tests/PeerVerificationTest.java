package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.lastDenial;
import static io.meshnative.tests.TlsWorld.open;
import static io.meshnative.tests.TlsWorld.ping;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.meshnative.MeshClient;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.LeafSpec.ExtendedUsage;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.RawPeer.Card;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Door;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Attacks T01 to T09, T16 and T17 of the identity list: a raw JSSE peer presents what it should
 * not, to our listener as {@code web} and to our dialling client as {@code db}, in both TLS
 * versions, on both engines. Every attack meets the same two doors that the good variants pass, so
 * that a refusal means its reason.
 */
class PeerVerificationTest {
  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

  private static final Map<Tls, TlsWorld> WORLDS = new EnumMap<>(Tls.class);
  private static final Map<Tls, Application> DOORS = new EnumMap<>(Tls.class);

  @BeforeAll
  static void start() throws Exception {
    for (Tls tls : Tls.values()) {
      TlsWorld world = new TlsWorld(tls, Optional.empty());
      WORLDS.put(tls, world);
      DOORS.put(tls, open(world.db, Door.LISTEN));
    }
  }

  @AfterAll
  static void stop() throws IOException {
    for (Application door : DOORS.values()) {
      door.close();
    }
    WORLDS.values().forEach(TlsWorld::close);
  }

  /** Whose part the raw peer plays. */
  private enum Part {
    CALLER("web"),
    SERVER("db");

    final String service;

    Part(String service) {
      this.service = service;
    }
  }

  private interface Minting {
    Card mint(TlsWorld world, String service) throws Exception;
  }

  /**
   * What is presented, in which parts it must be refused, and a word of the reason; "" where TLS
   * may refuse first.
   */
  private record Attack(String name, List<Part> parts, String reason, Minting minting) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static Attack both(String name, String reason, Minting minting) {
    return new Attack(name, List.of(Part.values()), reason, minting);
  }

  private static Attack only(Part part, String name, String reason, Minting minting) {
    return new Attack(name, List.of(part), reason, minting);
  }

  private static Minting spec(java.util.function.Function<LeafSpec, LeafSpec> change) {
    return (world, service) ->
        Card.of(world.plane.caIssue(change.apply(LeafSpec.service(service))));
  }

  private static String id(TlsWorld world, String service) {
    return "spiffe://" + world.plane.trustDomain() + "/ns/default/dc/dc1/svc/" + service;
  }

  /** An id bent from the good one. */
  private static Attack path(
      String what, String reason, java.util.function.UnaryOperator<String> bend) {
    return both(
        "T04 " + what,
        reason,
        (world, service) ->
            Card.of(
                world.plane.caIssue(LeafSpec.withoutNames().uri(bend.apply(id(world, service))))));
  }

  private static byte[] bytes(String text, int... more) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    for (int value : more) {
      out.write(value);
    }
    return out.toByteArray();
  }

  private static Attack raw(String what, int... more) {
    return both(
        "T03 " + what,
        "",
        (world, service) ->
            Card.of(
                world.plane.caIssue(
                    LeafSpec.withoutNames().uriBytes(bytes(id(world, service), more)))));
  }

  private static Attack second(String what, int... more) {
    return both(
        "T03 a good name and one with " + what,
        "",
        (world, service) ->
            Card.of(
                world.plane.caIssue(
                    LeafSpec.service(service).uriBytes(bytes(id(world, "other"), more)))));
  }

  private static Card chain(Card card, List<X509Certificate> chain) {
    return new Card(chain, card.key());
  }

  static List<Attack> list() {
    List<Attack> attacks = new ArrayList<>();
    // T01: one name, and one only
    attacks.add(
        both(
            "T01 two URI names",
            "exactly one URI",
            (w, s) -> Card.of(w.plane.caIssue(LeafSpec.service(s).uri(id(w, "other"))))));
    attacks.add(
        both(
            "T01 two URI names, the good one last",
            "exactly one URI",
            (w, s) ->
                Card.of(
                    w.plane.caIssue(LeafSpec.withoutNames().uri(id(w, "other")).uri(id(w, s))))));
    attacks.add(
        both(
            "T01 the same URI name twice",
            "exactly one URI",
            (w, s) -> Card.of(w.plane.caIssue(LeafSpec.service(s).uri(id(w, s))))));
    attacks.add(
        both(
            "T01 a URI name of another scheme besides",
            "exactly one URI",
            (w, s) -> Card.of(w.plane.caIssue(LeafSpec.service(s).uri("https://example.com/")))));
    // T02: the name in a wrong place
    attacks.add(
        both(
            "T02 a DNS name",
            "URI subject alternative name, found none",
            (w, s) ->
                Card.of(
                    w.plane.caIssue(
                        LeafSpec.withoutNames().dns(s + ".default.dc1.internal.consul")))));
    attacks.add(
        both(
            "T02 the id as DNS name",
            "",
            (w, s) -> Card.of(w.plane.caIssue(LeafSpec.withoutNames().dns(id(w, s))))));
    attacks.add(
        both(
            "T02 the id as e-mail name",
            "",
            (w, s) -> Card.of(w.plane.caIssue(LeafSpec.withoutNames().email(id(w, s))))));
    attacks.add(
        both(
            "T02 the id as common name",
            "URI subject alternative name, found none",
            (w, s) ->
                Card.of(
                    w.plane.caIssue(
                        LeafSpec.withoutNames()
                            .commonName("spiffe://a.consul/ns/default/dc/dc1/svc/" + s)))));
    attacks.add(
        both(
            "T02 the id as other name",
            "URI subject alternative name, found none",
            (w, s) ->
                Mint.below(w.plane.authority())
                    .card(
                        new Mint.Leaf("")
                            .name(
                                new GeneralName(
                                    GeneralName.otherName,
                                    new org.bouncycastle.asn1.DERSequence(
                                        new org.bouncycastle.asn1.ASN1Encodable[] {
                                          new org.bouncycastle.asn1.ASN1ObjectIdentifier(
                                              "1.3.6.1.4.1.311.20.2.3"),
                                          new org.bouncycastle.asn1.DERTaggedObject(
                                              true,
                                              0,
                                              new org.bouncycastle.asn1.DERUTF8String(id(w, s)))
                                        }))))));
    byte[] gap = new byte[32]; // an address and a mask with a gap, as no leaf has it
    gap[16] = (byte) 0xff;
    gap[18] = (byte) 0xff;
    attacks.add(
        both(
            "T02 an IP name with a mask besides, at which the JDK throws once",
            "expected an IP address of 4 or 16 bytes",
            (w, s) ->
                Mint.below(w.plane.authority())
                    .card(
                        new Mint.Leaf(id(w, s))
                            .name(
                                new GeneralName(
                                    GeneralName.iPAddress,
                                    new org.bouncycastle.asn1.DEROctetString(gap))))));
    // T03: bytes that are no letters
    attacks.add(raw("a NUL at the end", 0));
    attacks.add(raw("a NUL and a name after it", 0, 'x'));
    attacks.add(raw("a line feed", '\n'));
    attacks.add(raw("a space", ' '));
    attacks.add(raw("DEL", 0x7f));
    attacks.add(raw("a byte above ASCII", 0x80));
    attacks.add(raw("an umlaut in UTF-8", 0xc3, 0xa4));
    attacks.add(second("a NUL", 0));
    attacks.add(second("a space", ' '));
    attacks.add(second("a byte above ASCII", 0x80));
    attacks.add(second("a bad escape", '%', 'z', 'z'));
    // T04: other spellings
    attacks.add(path("upper-case domain", "", id -> id.replace(".consul", ".CONSUL")));
    attacks.add(path("upper-case scheme", "spiffe://", id -> id.replace("spiffe:", "SPIFFE:")));
    attacks.add(path("trailing slash", "segment", id -> id + "/"));
    attacks.add(path("double slash", "segment", id -> id.replace("/svc/", "//svc/")));
    attacks.add(path("dot segment", "segment", id -> id.replace("/svc/", "/./svc/")));
    attacks.add(path("dot-dot segment", "segment", id -> id.replace("/svc/", "/x/../svc/")));
    attacks.add(path("escaped dots", "", id -> id.replace("/svc/", "/%2e%2e/svc/")));
    attacks.add(path("escaped letter", "", id -> id.substring(0, id.length() - 1) + "%62"));
    attacks.add(path("escaped slash", "", id -> id.replace("/svc/", "/svc%2f")));
    attacks.add(path("escaped NUL", "", id -> id + "%00"));
    attacks.add(path("query", "", id -> id + "?x"));
    attacks.add(path("fragment", "", id -> id + "#x"));
    attacks.add(path("port", "", id -> id.replace(".consul/", ".consul:443/")));
    attacks.add(path("user info", "", id -> id.replace("spiffe://", "spiffe://u@")));
    attacks.add(path("more than 2048 bytes", "2048", id -> id + "x".repeat(2049)));
    attacks.add(path("a trust domain alone", "", id -> id.substring(0, id.indexOf('/', 10))));
    attacks.add(path("a segment more", "", id -> id + "/more"));
    attacks.add(path("a segment before", "", id -> id.replace("/ns/", "/x/ns/")));
    attacks.add(path("no dc", "", id -> id.replace("/dc/dc1", "")));
    attacks.add(
        path(
            "an agent's id",
            "",
            id -> id.replace("/ns/default/dc/dc1/svc/", "/agent/client/dc/dc1/id/")));
    attacks.add(path("trailing dot of the domain", "", id -> id.replace(".consul/", ".consul./")));
    // T05: another domain
    attacks.add(
        both(
            "T05 another trust domain of its own CA",
            "no roots are held",
            (w, s) -> Card.of(MeshTestAuthority.create().issue(LeafSpec.service(s)))));
    attacks.add(
        both(
            "T05 our trust domain of another CA",
            "does not lead to a root",
            (w, s) ->
                Card.of(
                    MeshTestAuthority.create(
                            w.plane.trustDomain(), KeyType.EC_P256, Clock.systemUTC())
                        .issue(LeafSpec.service(s)))));
    attacks.add(
        both(
            "T05 another trust domain of our CA",
            "no roots are held",
            (w, s) ->
                Card.of(
                    w.plane.caIssue(
                        LeafSpec.withoutNames()
                            .uri("spiffe://other.consul/ns/default/dc/dc1/svc/" + s)))));
    // T06: no leaf
    attacks.add(both("T06 a CA certificate", "is a CA", spec(leaf -> leaf.ca(true))));
    attacks.add(
        both(
            "T06 keyCertSign",
            "may sign certificates",
            spec(leaf -> leaf.keyUsage(KeyUsage.digitalSignature | KeyUsage.keyCertSign))));
    attacks.add(
        both(
            "T06 cRLSign",
            "may sign certificates",
            spec(leaf -> leaf.keyUsage(KeyUsage.digitalSignature | KeyUsage.cRLSign))));
    attacks.add(
        both("T06 no digitalSignature", "", spec(leaf -> leaf.keyUsage(KeyUsage.keyAgreement))));
    attacks.add(both("T06 no key usage", "digitalSignature", spec(leaf -> leaf.keyUsage(0))));
    attacks.add(
        both(
            "T06 an intermediate itself",
            "",
            (w, s) -> {
              Mint mint = Mint.below(w.plane.authority());
              return new Card(List.of(mint.certificate()), mint.keys().getPrivate());
            }));
    attacks.add(
        both(
            "T06 a leaf issued by a leaf",
            "does not lead to a root",
            (w, s) -> {
              java.security.KeyPair keys = Mint.keys("secp256r1");
              Card compromised =
                  Mint.below(w.plane.authority())
                      .card(new Mint.Leaf(id(w, "compromised")).keys(keys));
              return Mint.ofLeaf(compromised.chain(), keys).card(new Mint.Leaf(id(w, s)));
            }));
    // T07: another purpose
    attacks.add(
        both(
            "T07 e-mail protection only",
            "extended key usage",
            (w, s) ->
                Mint.below(w.plane.authority())
                    .card(new Mint.Leaf(id(w, s)).purposes(KeyPurposeId.id_kp_emailProtection))));
    attacks.add(
        both(
            "T07 code signing only",
            "extended key usage",
            spec(leaf -> leaf.usage(ExtendedUsage.CODE_SIGNING))));
    attacks.add(
        only(
            Part.SERVER,
            "T07 a client's leaf as server",
            "not for a server",
            spec(leaf -> leaf.usage(ExtendedUsage.CLIENT))));
    attacks.add(
        only(
            Part.CALLER,
            "T07 a server's leaf as client",
            "not for a client",
            spec(leaf -> leaf.usage(ExtendedUsage.SERVER))));
    // T08: somebody else who is allowed
    attacks.add(
        only(
            Part.SERVER,
            "T08 another allowed service",
            "/svc/api",
            (w, s) -> Card.of(w.plane.caIssue("api"))));
    attacks.add(
        only(
            Part.SERVER,
            "T08 the caller itself",
            "/svc/web",
            (w, s) -> Card.of(w.plane.caIssue("web"))));
    attacks.add(
        only(
            Part.SERVER,
            "T08 the service of another datacenter",
            "/dc/dc2/",
            spec(leaf -> leaf.datacenter("dc2"))));
    // T09: time and order
    attacks.add(both("T09 expired", "does not lead", spec(leaf -> leaf.validity(ago(48), ago(1)))));
    attacks.add(
        both(
            "T09 expired a second ago",
            "does not lead",
            spec(leaf -> leaf.validity(ago(48), Instant.now().minusSeconds(1)))));
    attacks.add(
        both("T09 not yet valid", "does not lead", spec(leaf -> leaf.validity(ago(-1), ago(-48)))));
    attacks.add(
        both(
            "T09 an expired intermediate",
            "does not lead",
            (w, s) -> {
              MeshTestAuthority other = w.plane.authority().successor(KeyType.EC_P256);
              X509Certificate bridge = w.plane.authority().crossSign(other, Duration.ofSeconds(1));
              return Card.of(other.sending(bridge).issue(LeafSpec.service(s)));
            }));
    attacks.add(
        both(
            "T09 the intermediate first",
            "",
            (w, s) -> {
              Card good = Mint.below(w.plane.authority()).card(new Mint.Leaf(id(w, s)));
              return chain(good, List.of(good.chain().get(1), good.chain().get(0)));
            }));
    attacks.add(
        both(
            "T09 the intermediate left out",
            "does not lead",
            (w, s) -> {
              Card good = Mint.below(w.plane.authority()).card(new Mint.Leaf(id(w, s)));
              return chain(good, good.chain().subList(0, 1));
            }));
    attacks.add(
        both(
            "T09 eleven certificates",
            "",
            (w, s) -> {
              IssuedCertificate good = w.plane.caIssue(s);
              List<X509Certificate> many = new ArrayList<>(good.chain());
              while (many.size() < 11) {
                many.add(w.plane.caIssue("extra").leaf());
              }
              return chain(Card.of(good), many);
            }));
    attacks.add(
        both(
            "T09 many authorities of one name that lead nowhere",
            "does not lead",
            (w, s) -> maze(id(w, s))));
    // T16: weak keys and hashes
    attacks.add(both("T16 RSA of 1024 bits", "", spec(leaf -> leaf.keyType(KeyType.RSA_1024))));
    attacks.add(
        both(
            "T16 a leaf signed with SHA-1",
            "a signature by SHA1",
            (w, s) ->
                Mint.below(w.plane.authority())
                    .card(new Mint.Leaf(id(w, s)).signature("SHA1withECDSA"))));
    attacks.add(
        both(
            "T16 an intermediate signed with SHA-1",
            "a signature by SHA1",
            (w, s) ->
                Mint.below(w.plane.authority())
                    .sub("SHA1withECDSA")
                    .card(new Mint.Leaf(id(w, s)))));
    for (String[] weak :
        new String[][] {{"RSA", "1024"}, {"EC", "secp224r1"}, {"EC", "secp192r1"}}) {
      attacks.add(
          both(
              "T16 an intermediate of " + weak[0] + " " + weak[1],
              "",
              (w, s) ->
                  Mint.below(w.plane.authority())
                      .sub(Mint.weakKeys(weak[0], weak[1]), "SHA256withECDSA")
                      .card(
                          new Mint.Leaf(id(w, s))
                              .signature(
                                  weak[0].equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA"))));
    }
    attacks.add(
        both(
            "T16 a certificate without its key",
            "",
            (w, s) -> new Card(w.plane.caIssue(s).chain(), w.plane.caIssue("other").privateKey())));
    return attacks;
  }

  private static Instant ago(long hours) {
    return Instant.now().minus(Duration.ofHours(hours));
  }

  /**
   * Nine authorities of one name and key that certify each other, and none leads to a root; the JDK
   * finds the loop. Seven on newer JDKs, which refuse chains of more than eight certificates of a
   * client by themselves (jdk.tls.server.maxInboundCertificateChainLength), before anybody is
   * asked.
   */
  private static Card maze(String uri) throws Exception {
    X500Name name = new X500Name("CN=maze");
    Mint mint = Mint.nowhere(name);
    Card leaf = mint.card(new Mint.Leaf(uri));
    List<X509Certificate> chain = new ArrayList<>(leaf.chain());
    int longest = Runtime.version().feature() >= 21 ? 8 : 10;
    while (chain.size() < longest) {
      chain.add(mint.authority(mint.keys(), name, "SHA256withECDSA"));
    }
    return chain(leaf, chain);
  }

  static Stream<Arguments> attacks() {
    return Stream.of(Tls.values())
        .flatMap(tls -> list().stream().map(attack -> Arguments.of(tls, attack)));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("attacks")
  @Tag("T01")
  @Tag("T02")
  @Tag("T03")
  @Tag("T04")
  @Tag("T05")
  @Tag("T06")
  @Tag("T07")
  @Tag("T08")
  @Tag("T09")
  @Tag("T16")
  void isRefused(Tls tls, Attack attack) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    for (Part part : attack.parts()) {
      RawPeer peer = RawPeer.of(Tls.JSSE.security(), attack.minting().mint(world, part.service));
      for (String version : VERSIONS) {
        MeshClient judge = part == Part.CALLER ? world.db : world.web;
        long done = handshakes(judge);
        if (part == Part.CALLER) {
          refused(
              judge,
              DOORS.get(tls),
              attack.reason(),
              () -> peer.ping(DOORS.get(tls).port(), version));
        } else {
          try (Application server = open(peer, 0, Tls.JSSE)) {
            refused(
                judge, server, attack.reason(), () -> ping(world.web, DB, server.port(), version));
          }
        }
        assertThat(handshakes(judge)).isEqualTo(done);
      }
    }
  }

  private static void refused(
      MeshClient judge,
      Application application,
      String reason,
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    int bytes = application.bytes();
    if (reason.isEmpty()) {
      assertThatThrownBy(call)
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(SocketTimeoutException.class);
    } else {
      TlsWorld.refused(judge, application, call);
      assertThat(lastDenial(judge)).contains(reason);
    }
    assertThat(application.bytes()).isEqualTo(bytes);
  }

  private static long handshakes(MeshClient client) {
    return client.snapshot().fullHandshakes() + client.snapshot().resumedHandshakes();
  }

  static Stream<Arguments> good() {
    List<Attack> good = new ArrayList<>();
    good.add(both("as Consul issues it", "", spec(leaf -> leaf)));
    good.add(both("an empty subject and critical names", "", spec(LeafSpec::emptySubject)));
    good.add(
        both(
            "T02 names of other kinds besides",
            "",
            spec(leaf -> leaf.dns("evil.example").email("a@evil.example"))));
    good.add(both("T07 no extended key usage", "", spec(leaf -> leaf.usage())));
    good.add(
        only(
            Part.SERVER,
            "T07 a server's leaf as server",
            "",
            spec(leaf -> leaf.usage(ExtendedUsage.SERVER))));
    good.add(
        only(
            Part.CALLER,
            "T07 a client's leaf as client",
            "",
            spec(leaf -> leaf.usage(ExtendedUsage.CLIENT))));
    good.add(both("T16 RSA of 2048 bits", "", spec(leaf -> leaf.keyType(KeyType.RSA_2048))));
    good.add(both("T16 P-384", "", spec(leaf -> leaf.keyType(KeyType.EC_P384))));
    good.add(
        both(
            "T09 an intermediate",
            "",
            (w, s) -> Mint.below(w.plane.authority()).card(new Mint.Leaf(id(w, s)))));
    good.add(
        both(
            "T09 two intermediates in the wrong order, and others",
            "",
            (w, s) -> {
              Card card =
                  Mint.below(w.plane.authority())
                      .sub("SHA256withECDSA")
                      .card(new Mint.Leaf(id(w, s)));
              List<X509Certificate> mixed = new ArrayList<>();
              mixed.add(card.chain().get(0));
              mixed.add(w.plane.caIssue("extra").leaf());
              mixed.add(card.chain().get(2));
              mixed.addAll(maze(id(w, s)).chain().subList(1, 4));
              mixed.add(card.chain().get(1));
              return chain(card, mixed);
            }));
    good.add(
        both(
            "T09 the root sent as well",
            "",
            (w, s) -> {
              IssuedCertificate issued = w.plane.caIssue(s);
              return chain(Card.of(issued), List.of(issued.leaf(), w.plane.authority().root()));
            }));
    return Stream.of(Tls.values())
        .flatMap(tls -> good.stream().map(variant -> Arguments.of(tls, variant)));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("good")
  @Tag("T02")
  @Tag("T07")
  @Tag("T09")
  void isAccepted(Tls tls, Attack variant) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    for (Part part : variant.parts()) {
      RawPeer peer = RawPeer.of(Tls.JSSE.security(), variant.minting().mint(world, part.service));
      for (String version : VERSIONS) {
        if (part == Part.CALLER) {
          peer.ping(DOORS.get(tls).port(), version);
        } else {
          try (Application server = open(peer, 0, Tls.JSSE)) {
            ping(world.web, DB, server.port(), version);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  @Tag("T09")
  void aCrossSignedPathHoldsOnlyAsLongAsOneOfItsRootsIsTrusted(Tls tls) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty());
        Application app = open(world.db, Door.LISTEN)) {
      MeshTestAuthority old = world.plane.authority();
      MeshTestAuthority unknown = old.successor(KeyType.EC_P256);
      X509Certificate bridge = old.crossSign(unknown);
      RawPeer web =
          RawPeer.of(Tls.JSSE.security(), unknown.sending(bridge).issue(LeafSpec.service("web")));
      RawPeer db =
          RawPeer.of(Tls.JSSE.security(), unknown.sending(bridge).issue(LeafSpec.service("db")));
      try (Application server = open(db, 0, Tls.JSSE)) {
        web.ping(app.port(), "TLSv1.3");
        ping(world.web, DB, server.port(), "TLSv1.3");
        world.rotate();
        world.removeOldRoots();
        TlsWorld.refused(world.db, app, () -> web.ping(app.port(), "TLSv1.3"));
        assertThat(lastDenial(world.db)).contains("does not lead to a root");
        TlsWorld.refused(world.web, server, () -> ping(world.web, DB, server.port(), "TLSv1.3"));
        assertThat(lastDenial(world.web)).contains("does not lead to a root");
      }
      RawPeer renewed =
          RawPeer.of(
              Tls.JSSE.security(), world.plane.caIssue("web")); // cross-signed by the old, too
      renewed.ping(app.port(), "TLSv1.3");
    }
  }

  // ---- T17 ----

  static Stream<Arguments> doors() {
    return Stream.of(Tls.values())
        .flatMap(tls -> Stream.of(Door.values()).map(door -> Arguments.of(tls, door)));
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t17ACallerWithoutCertificateGetsNothingThrough(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      long done = handshakes(world.db);
      for (String version : VERSIONS) {
        RawPeer nobody =
            RawPeer.nameless(Tls.JSSE.security()); // JSSE sends an empty certificate list
        assertThatThrownBy(() -> nobody.ping(app.port(), version)).isInstanceOf(IOException.class);
      }
      assertThat(app.bytes()).isZero();
      assertThat(handshakes(world.db)).isEqualTo(done);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t17ACallerOfOldVersionsIsRefused(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      for (int minor : new int[] {0, 1, 2}) { // SSL 3.0, TLS 1.0, TLS 1.1
        try (Socket raw = new Socket("127.0.0.1", app.port())) {
          raw.setSoTimeout((int) TlsWorld.HANG_GUARD.toMillis());
          raw.getOutputStream().write(clientHello(minor));
          int type = raw.getInputStream().read();
          assertThat(type).as("an alert or the end, no ServerHello").isIn(21, -1);
        }
      }
      assertThat(app.bytes()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void t17AServerOfOldVersionsIsRefused(Tls tls) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    for (int minor : new int[] {0, 1, 2}) {
      try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
        CompletableFuture<Integer> answer =
            Background.supply(() -> {
              try (Socket raw = server.accept()) {
                raw.setSoTimeout((int) TlsWorld.HANG_GUARD.toMillis());
                DataInputStream in = new DataInputStream(raw.getInputStream());
                in.readNBytes(3);
                in.readNBytes(in.readUnsignedShort());
                raw.getOutputStream().write(serverHello(minor));
                return in.read();
              } catch (IOException e) {
                return -1;
              }
            });
        assertThatThrownBy(() -> ping(world.web, DB, server.getLocalPort(), "TLSv1.2"))
            .isInstanceOf(IOException.class)
            .isNotInstanceOf(SocketTimeoutException.class);
        assertThat(answer.get()).isIn(21, -1);
      }
    }
  }

  private static byte[] clientHello(int minor) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(new byte[] {3, (byte) minor});
    body.writeBytes(new byte[32]);
    body.writeBytes(
        new byte[] {0, 0, 6, (byte) 0xc0, 0x09, (byte) 0xc0, 0x0a, 0, (byte) 0xff, 1, 0});
    byte[] groups = {0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0};
    body.write(0);
    body.write(groups.length);
    body.writeBytes(groups);
    return record(minor, 1, body.toByteArray());
  }

  private static byte[] serverHello(int minor) {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(new byte[] {3, (byte) minor});
    body.writeBytes(new byte[32]);
    body.writeBytes(new byte[] {0, (byte) 0xc0, 0x09, 0});
    return record(minor, 2, body.toByteArray());
  }

  private static byte[] record(int minor, int type, byte[] body) {
    ByteArrayOutputStream record = new ByteArrayOutputStream();
    int length = body.length + 4;
    record.writeBytes(new byte[] {22, 3, (byte) minor, (byte) (length >> 8), (byte) length});
    record.writeBytes(new byte[] {(byte) type, 0, (byte) (body.length >> 8), (byte) body.length});
    record.writeBytes(body);
    return record.toByteArray();
  }

  static Stream<Arguments> suites() {
    return Stream.of(Tls.values())
        .flatMap(tls ->
            Stream.of(
                Arguments.of(tls, KeyType.RSA_2048, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
                Arguments.of(tls, KeyType.RSA_2048, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
                Arguments.of(tls, KeyType.RSA_2048, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
                Arguments.of(tls, KeyType.EC_P256, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA")));
  }

  @ParameterizedTest
  @MethodSource("suites")
  void t17SuitesWithoutForwardSecrecyOrAeadAreRefused(Tls tls, KeyType key, String suite)
      throws Exception {
    assumeFalse(
        suite.startsWith("TLS_RSA_")
            && Security.getProperty("jdk.tls.disabledAlgorithms").contains("TLS_RSA_"),
        "this JDK refuses " + suite + " by itself, so it makes no peer that offers it");
    TlsWorld world = WORLDS.get(tls);
    RawPeer db =
        RawPeer.of(Tls.JSSE.security(), world.plane.caIssue(LeafSpec.service("db").keyType(key)));
    RawPeer web = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("web"));
    try (EngineEcho server =
        new EngineEcho(() -> {
          SSLEngine engine = db.serverEngine();
          engine.setEnabledCipherSuites(new String[] {suite});
          return engine;
        })) {
      try (SSLSocket control = web.connect(server.port(), "TLSv1.2")) {
        control.setEnabledCipherSuites(new String[] {suite});
        Echo.ping(control); // two peers that are not ours do talk so
      }
      assertThatThrownBy(() -> ping(world.web, DB, server.port(), "TLSv1.2"))
          .isInstanceOf(IOException.class);
      assertThat(server.bytes()).isEqualTo(1);
    }
    Application door = DOORS.get(tls);
    int bytes = door.bytes();
    try (SSLSocket caller = web.connect(door.port(), "TLSv1.2")) {
      caller.setEnabledCipherSuites(new String[] {suite});
      assertThatThrownBy(() -> Echo.ping(caller)).isInstanceOf(IOException.class);
    }
    assertThat(door.bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t17ACallerThatRenegotiatesIsCut(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("web"));
      try (SSLSocket socket = web.connect(app.port(), "TLSv1.2")) {
        Echo.ping(socket);
        long done = handshakes(world.db);
        web.present(world.plane.caIssue("other")); // who it would be after
        assertThatThrownBy(
                () -> {
                  socket.getSession().invalidate();
                  socket.startHandshake();
                  Echo.ping(socket);
                })
            .isInstanceOf(IOException.class)
            .isNotInstanceOf(SocketTimeoutException.class);
        assertThat(handshakes(world.db)).isEqualTo(done);
        assertThat(app.bytes()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void t17AServerThatRenegotiatesIsRefused(Tls tls) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    RawPeer db = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("db"));
    try (EngineEcho server =
        new EngineEcho(
            db::serverEngine,
            0,
            engine -> {
              try {
                engine.getSession().invalidate();
                engine.beginHandshake();
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            })) {
      assertThatThrownBy(() -> ping(world.web, DB, server.port(), "TLSv1.2"))
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(SocketTimeoutException.class);
      assertThat(db.fullHandshakes()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void aKeyUpdateIsNoSecondHandshake(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      RawPeer web = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("web"));
      try (SSLSocket socket = web.connect(app.port(), "TLSv1.3")) {
        Echo.ping(socket);
        long done = handshakes(world.db);
        socket.startHandshake(); // on JSSE: a KeyUpdate that asks for one
        Echo.ping(socket);
        assertThat(handshakes(world.db)).isEqualTo(done);
        assertThat(app.bytes()).isEqualTo(2);
      }
    }
  }
}
