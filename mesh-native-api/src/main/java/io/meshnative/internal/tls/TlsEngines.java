package io.meshnative.internal.tls;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.meshnative.MeshNotReadyException;
import io.meshnative.discovery.Destination;
import io.meshnative.spi.TlsProvider;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Makes engines in the newest trust epoch.
 *
 * <p>Invariant: state that could be resumed never outlives its epoch. A server has one real context
 * an epoch, made anew at least every ten minutes (its ticket keys die with it; the session timeout
 * is only advisory in JSSE); a client has one a destination and epoch, so that no session of one
 * destination can be offered to another, whatever their addresses.
 */
public final class TlsEngines {
  private static final Duration SERVER_CONTEXT_LIFE = Duration.ofMinutes(10);
  private static final int MAX_CLIENT_CONTEXTS = 1024;

  /** Without a dot, so that no engine sends it as a server name. */
  private static final String NO_NAME = "mesh";

  private final TlsProvider provider;
  private final EngineRules inbound;
  private final EngineRules outbound;
  private final Publisher publisher;
  private final PeerVerifier verifier;
  private final ProofStore proofs;
  private final Clock clock;
  private final Observers observers = new Observers();
  private final AtomicReference<@Nullable PeerAuthority> authority = new AtomicReference<>();
  private final AtomicReference<@Nullable Real> server = new AtomicReference<>();

  /** Bounded: a destination that falls out costs its next dial a full handshake, and no more. */
  private final Cache<Destination, Real> clients =
      Caffeine.newBuilder().maximumSize(MAX_CLIENT_CONTEXTS).executor(Runnable::run).build();

  private final AtomicReference<@Nullable TrustEpoch> provenFor = new AtomicReference<>();
  private final AtomicInteger portHint = new AtomicInteger();

  /** What the rules leave of the provider's suites: the same for all its engines. */
  private final AtomicReference<String @Nullable []> suites = new AtomicReference<>();

  private final LongAdder full = new LongAdder();
  private final LongAdder resumed = new LongAdder();

  /** A real context, the epoch it belongs to, and when it was made. */
  private record Real(SSLContext context, TrustEpoch epoch, Instant made) {}

  public TlsEngines(
      TlsProvider provider,
      boolean inboundTls12,
      boolean outboundTls12,
      boolean resumption,
      Publisher publisher,
      ProofStore proofs,
      Clock clock) {
    this.provider = provider;
    this.inbound = EngineRules.of(inboundTls12, resumption);
    this.outbound = EngineRules.of(outboundTls12, resumption);
    this.publisher = publisher;
    this.proofs = proofs;
    this.verifier = new PeerVerifier(proofs);
    this.clock = clock;
    publisher.onPublished(pair -> forgetAllBut(pair.trust()));
  }

  /**
   * Keys and sessions of epochs that are over, also of destinations that are never dialled again.
   */
  private void forgetAllBut(@Nullable TrustEpoch epoch) {
    clients.asMap().values().removeIf(real -> real.epoch() != epoch);
    server.updateAndGet(real -> real != null && real.epoch() != epoch ? null : real);
    if (epoch != null && provenFor.getAndSet(epoch) != epoch) {
      proofs.keepFor(epoch, now());
    }
  }

  /** Set once, before the first engine. */
  public void authority(PeerAuthority authority) {
    this.authority.set(authority);
  }

  PeerAuthority authority() {
    PeerAuthority set = authority.get();
    if (set == null) {
      throw new IllegalStateException(
          "expected a peer authority, found none: the client is not assembled");
    }
    return set;
  }

  public PeerVerifier verifier() {
    return verifier;
  }

  ProofStore proofs() {
    return proofs;
  }

  Instant now() {
    return clock.instant();
  }

  @Nullable TrustEpoch newestEpoch() {
    return publisher.current().trust();
  }

  /** Those who watch the handshakes of these engines, and the dials that lead to them. */
  public Observers observers() {
    return observers;
  }

  public TlsProvider provider() {
    return provider;
  }

  public long fullHandshakes() {
    return full.sum();
  }

  public long resumedHandshakes() {
    return resumed.sum();
  }

  void count(boolean fullHandshake) {
    (fullHandshake ? full : resumed).increment();
  }

  /**
   * Makes an engine for these terms.
   *
   * @param peerHost what {@link SSLEngine#getPeerHost()} shall say; never sent
   * @param hint tells endpoints apart, so that a session is offered to the one that issued it
   * @throws MeshNotReadyException if there is no trust epoch yet
   */
  public MeshEngine engine(Terms terms, @Nullable String peerHost, int peerPort, int hint)
      throws MeshNotReadyException {
    TrustEpoch epoch = publisher.current().trust();
    if (epoch == null) {
      throw new MeshNotReadyException(
          "expected an identity and roots before the first handshake, found none yet; wait with awaitReady",
          null);
    }
    try {
      if (terms instanceof Terms.Outbound out) {
        Real real = client(out.target(), epoch);
        // A port that never comes again keeps a client from finding a session to offer.
        int port =
            outbound.resumption() ? hint : portHint.updateAndGet(p -> p == 0xffff ? 1 : p + 1);
        SSLEngine engine = real.context().createSSLEngine(NO_NAME, port);
        outbound.apply(engine, true, suites(outbound, engine));
        return new MeshEngine(
            engine,
            epoch,
            terms,
            outbound,
            this,
            () -> clients.asMap().remove(out.target(), real),
            peerHost,
            peerPort);
      }
      Real real = server(epoch);
      SSLEngine engine = real.context().createSSLEngine();
      inbound.apply(engine, false, suites(inbound, engine));
      if (inbound.resumption() && Providers.isConscrypt(provider)) {
        ConscryptSupport.useTickets(engine);
      }
      return new MeshEngine(engine, epoch, terms, inbound, this, () -> {}, peerHost, peerPort);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "expected a TLS context of " + provider.name() + ", found an error", e);
    }
  }

  private String[] suites(EngineRules rules, SSLEngine engine) {
    String[] known = suites.get();
    if (known == null) {
      known = rules.suites(engine);
      suites.set(known);
    }
    return known.clone();
  }

  /**
   * The real context that an engine made now would come from; for callers that ask for session
   * contexts.
   */
  SSLContext real(Terms terms) throws MeshNotReadyException {
    TrustEpoch epoch = publisher.current().trust();
    if (epoch == null) {
      throw new MeshNotReadyException(
          "expected an identity and roots, found none yet; wait with awaitReady", null);
    }
    try {
      return terms instanceof Terms.Outbound out
          ? client(out.target(), epoch).context()
          : server(epoch).context();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "expected a TLS context of " + provider.name() + ", found an error", e);
    }
  }

  private Real client(Destination destination, TrustEpoch epoch) throws GeneralSecurityException {
    Real held = clients.getIfPresent(destination);
    if (held != null && held.epoch() == epoch) {
      return held;
    }
    Real fresh = make(epoch);
    if (!outbound.resumption()) {
      fresh.context().getClientSessionContext().setSessionCacheSize(1);
    }
    // Two threads may each make one: both are of this epoch, and the loser's is merely not found
    // again.
    clients.put(destination, fresh);
    return fresh;
  }

  private Real server(TrustEpoch epoch) throws GeneralSecurityException {
    Real held = server.get();
    if (held != null
        && held.epoch() == epoch
        && Duration.between(held.made(), now()).abs().compareTo(SERVER_CONTEXT_LIFE) < 0) {
      return held;
    }
    Real fresh = make(epoch);
    return server.compareAndSet(held, fresh) ? fresh : server(epoch);
  }

  private Real make(TrustEpoch epoch) throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS", provider.provider());
    context.init(
        new KeyManager[] {new EpochKeyManager(epoch.identity())},
        new TrustManager[] {new PeerTrustManager()},
        new SecureRandom());
    return new Real(context, epoch, now());
  }
}
