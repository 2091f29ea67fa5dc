package io.meshnative.internal.tls;

import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshException;
import io.meshnative.MeshPeer;
import io.meshnative.PeerIdentityException;
import io.meshnative.identity.SpiffeId;
import java.nio.ByteBuffer;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLProtocolException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The engine that everything runs on: a TLS engine of one trust epoch, with the terms of one
 * connection.
 *
 * <p>Invariant: no plaintext enters or leaves before {@link #verify} has passed, be the handshake
 * full or resumed; and none does after {@link #cut}. A resumed session calls no trust manager in
 * any engine that was measured, so the check here is the one that counts.
 */
public final class MeshEngine extends RuledEngine {
  private static final int MAX_LAST_RECORDS = 2048;

  private final TrustEpoch epoch;
  private final Terms terms;
  private final TlsEngines owner;
  private final Runnable forgetSessions;
  private final MeshSession session;
  private final Hello ownHello = new Hello();
  private final Hello peersHello = new Hello();
  private final ReentrantLock verifying = new ReentrantLock();
  private final AtomicReference<@Nullable MeshException> cut = new AtomicReference<>();

  private volatile @Nullable PeerProof proof;
  private volatile @Nullable MeshPeer peer;
  private volatile @Nullable MeshException refusal;
  private volatile boolean handshakeBegun;

  /** Null where nobody wants to know of handshakes. */
  private volatile @Nullable HandshakeWatch watch;

  private volatile boolean tls12;
  private volatile boolean resumed;
  private volatile boolean staleSession;
  private volatile boolean released;
  private volatile @Nullable BiFunction<SSLEngine, List<String>, String> alpnSelector;
  private volatile @Nullable Consumer<MeshException> onCut;
  private volatile Runnable transportEnd = () -> {};

  MeshEngine(
      SSLEngine real,
      TrustEpoch epoch,
      Terms terms,
      EngineRules rules,
      TlsEngines owner,
      Runnable forgetSessions,
      @Nullable String peerHost,
      int peerPort) {
    super(real, rules, terms instanceof Terms.Outbound, peerHost, peerPort);
    this.epoch = epoch;
    this.terms = terms;
    this.owner = owner;
    this.forgetSessions = forgetSessions;
    this.session = new MeshSession(this, real::getSession);
  }

  // ---- what the library asks ----

  public Terms terms() {
    return terms;
  }

  /** The epoch in which the handshake runs. */
  public TrustEpoch epoch() {
    return epoch;
  }

  /** Who the peer is; null until the check after the handshake has passed. */
  public @Nullable MeshPeer peer() {
    return peer;
  }

  /** What the peer proved in this handshake or, resumed, in the one before; null until then. */
  public @Nullable PeerProof proof() {
    return proof;
  }

  /** Why the peer was refused or the connection was cut, null if neither. */
  public @Nullable MeshException refusal() {
    MeshException reason = cut.get();
    return reason != null ? reason : refusal;
  }

  /**
   * Whether the check after the handshake has refused a server for nothing but the age of the
   * session that was resumed: its certificates have ended, or their proof is gone. A full handshake
   * may succeed. Never so where the peer is another one, or where policy or our own identity is
   * against it.
   */
  public boolean isSessionStale() {
    return staleSession;
  }

  /** Whether this client has offered its server a session. */
  public boolean offeredSession() {
    return terms instanceof Terms.Outbound && ownHello.offersSession();
  }

  /** From now on engines for the same destination begin without the sessions that this one had. */
  public void forgetSessions() {
    forgetSessions.run();
  }

  /** For a handshake that the engine says is done: throws unless the check after it has passed. */
  public void requireVerified() throws SSLException {
    throwIfCut();
    if (peer == null) {
      throw new SSLHandshakeException(
          "expected a verified peer after the handshake, found that it was not checked; the connection is refused");
    }
  }

  /** Whether this authority let the peer in. */
  public boolean isJudgedBy(PeerAuthority authority) {
    return owner.authority() == authority;
  }

  /**
   * Makes every later wrap and unwrap throw, and runs what was given to {@link #onCut}. The first
   * reason stays.
   */
  public void cut(MeshException reason) {
    if (cut.compareAndSet(null, reason)) {
      Consumer<MeshException> action = onCut;
      if (action != null) {
        action.accept(reason);
      }
    }
  }

  /** Runs this when the engine is cut; at once if it has been. */
  public void onCut(Consumer<MeshException> action) {
    onCut = action;
    MeshException reason = cut.get();
    if (reason != null) {
      action.accept(reason);
    }
  }

  /**
   * Says how to end the transport of a connection whose engine was dropped without being closed, as
   * by an application that forgets a socket. The registry keeps it, not the engine.
   *
   * @param end idempotent, does not block, and must not refer to this engine
   */
  public void transportEnd(Runnable end) {
    transportEnd = end;
  }

  public Runnable transportEnd() {
    return transportEnd;
  }

  /** The transport has ended: leaves the registry. */
  public void release() {
    released = true;
    HandshakeWatch watching = watch;
    if (watching != null) {
      watching.abandoned(provenId());
    }
    owner.authority().release(this);
  }

  /**
   * Ends an engine that nobody drives, or will drive: BoringSSL frees its memory then, and without
   * it only when it is finalized.
   */
  public void discard() {
    discardOutput();
    try {
      real.closeInbound();
    } catch (SSLException | RuntimeException e) {
      // It never heard its peer's close_notify, of course.
    }
    release();
  }

  /** Asks an engine that serves for nothing else. */
  public static <T> T ask(MeshEngine engine, Function<MeshEngine, T> question) {
    try {
      return question.apply(engine);
    } finally {
      engine.discard();
    }
  }

  // ---- the handshake ----

  private void begin() {
    if (!handshakeBegun) {
      watch = HandshakeWatch.begin(this, owner.observers());
      handshakeBegun = true;
    }
  }

  private void tellCompleted(boolean full) {
    HandshakeWatch watching = watch;
    MeshPeer who = peer;
    if (watching != null && who != null) {
      watching.completed(who.id(), real, !full);
      watch = null;
    }
  }

  private void tellRefused(MeshException reason) {
    HandshakeWatch watching = watch;
    if (watching != null) {
      watching.refused(provenId(), reason);
    }
  }

  private void tellFailed(Exception failure) {
    HandshakeWatch watching = watch;
    if (watching != null && peer == null) {
      watching.failed(provenId(), failure);
    }
  }

  private @Nullable SpiffeId provenId() {
    PeerProof shown = proof;
    return shown == null ? null : shown.id();
  }

  /** Called by the trust manager, in a full handshake. */
  void onPeerCertificates(X509Certificate[] chain, PeerRole role, SSLEngine engine)
      throws CertificateException {
    try {
      if (role != terms.peerRole()) {
        throw new PeerIdentityException(
            "expected the certificates of a " + terms.peerRole() + ", found those of a " + role,
            terms.peerRole().toString(),
            role.toString(),
            null);
      }
      if (peer != null) {
        throw new PeerIdentityException(
            "expected one handshake a connection, found a second one",
            "one handshake",
            "a second one",
            null);
      }
      PeerProof shown = prove(chain, role);
      proof = shown; // before the decision, so that a denial can name whom it is about
      owner.authority().require(terms, shown);
      if (!rules.resumption()) {
        SSLSession handshake = engine.getHandshakeSession();
        if (handshake != null) {
          handshake.invalidate(); // on JSSE this keeps a server from issuing anything to resume
        }
      }
    } catch (MeshException e) {
      refuse(e);
      throw new CertificateException(e.getMessage(), e);
    }
  }

  /**
   * Under the roots that the handshake began with or, where they do not do, under those held now:
   * the peer may have got its leaf from a root that came while the handshake was under way. The
   * check after the handshake needs the roots held now in any case.
   */
  private PeerProof prove(X509Certificate[] chain, PeerRole role) throws PeerIdentityException {
    try {
      return owner.verifier().prove(chain, role, epoch, owner.now());
    } catch (PeerIdentityException e) {
      TrustEpoch newest = owner.newestEpoch();
      if (newest == null || newest == epoch) {
        throw e;
      }
      return owner.verifier().prove(chain, role, newest, owner.now());
    }
  }

  private void refuse(MeshException reason) {
    refusal = reason;
    tellRefused(reason);
    owner.authority().refused(this, reason);
  }

  /**
   * The check after every handshake. Once: of two threads that find the handshake done, one
   * decides.
   */
  private void verify() throws SSLException {
    if (verifying.isHeldByCurrentThread()) {
      throw new SSLProtocolException("the engine was used by the decision over its own peer");
    }
    verifying.lock();
    try {
      throwIfCut();
      if (peer == null) {
        admit();
      }
    } catch (MeshException e) {
      staleSession = resumed && isOfItsAge(e);
      throw refused(e);
    } catch (SSLException e) {
      throw e;
    } catch (Throwable e) {
      // An authorizer may fail in any way, by an Error too; none of them lets anybody in.
      throw refused(
          new PeerIdentityException(
              "the check after the handshake failed, so the peer is refused",
              "a verified peer",
              null,
              e));
    } finally {
      verifying.unlock();
    }
    throwIfCut();
  }

  /** Whether a refusal of a resumed session says nothing against the peer itself. */
  private boolean isOfItsAge(MeshException refusal) {
    if (!(terms instanceof Terms.Outbound out)
        || !(refusal instanceof PeerIdentityException
            || refusal instanceof IdentityExpiredException)
        || owner.now().isAfter(epoch.identity().notAfter())) {
      return false;
    }
    PeerProof earlier = proof;
    return earlier == null || earlier.id().equals(epoch.expected(out.destination()).spiffeId());
  }

  private void admit() throws MeshException {
    tls12 = "TLSv1.2".equals(real.getSession().getProtocol());
    if (tls12) {
      requireExtendedMasterSecret();
    }
    PeerProof shown = proof;
    boolean full = shown != null;
    if (shown == null) {
      resumed = true;
      shown = resumedProof();
      proof = shown;
    }
    if (!rules.resumption() && tls12) {
      real.getSession()
          .invalidate(); // a Conscrypt server resumes TLS 1.2 by id unless told otherwise
    }
    peer = owner.authority().admit(this, shown);
    if (released) {
      owner.authority().release(this); // it ended while it was being let in; nobody would ask again
    }
    owner.count(full);
    tellCompleted(full);
  }

  /**
   * Without it a peer that both ends talk to can give two connections one master secret, and so one
   * identity's session to another (RFC 7627 §1). JSSE has a switch for the JVM only ({@code
   * jdk.tls.allowLegacyMasterSecret}), BoringSSL none that Conscrypt shows; so the hellos are read.
   */
  private void requireExtendedMasterSecret() throws PeerIdentityException {
    Hello servers = terms instanceof Terms.Outbound ? peersHello : ownHello;
    if (!servers.extendsMasterSecret()) {
      throw new PeerIdentityException(
          "expected TLS 1.3, or TLS 1.2 with the extended master secret (RFC 7627), found TLS 1.2"
              + " without; update the peer's TLS library or let it speak TLS 1.3",
          "TLS 1.2 with the extended master secret",
          null,
          null);
    }
  }

  /**
   * Refuses a peer after the handshake, which is over for the engines: they have no call that sends
   * an alert then, and a close_notify would tell the peer of an orderly end of data. So what a
   * socket's peer gets is a reset, as with every cut.
   */
  private SSLException refused(MeshException reason) {
    tellRefused(reason); // before the cut, which ends the connection and looks like its cause
    cut(reason); // first: whatever the telling meets, nothing passes any more
    real.getSession().invalidate(); // where sessions are kept, that of a refused peer is not
    refuse(reason);
    return failed(reason);
  }

  /**
   * A resumed session carries the certificates of the handshake before; they count only with its
   * proof.
   */
  private PeerProof resumedProof() throws MeshException {
    X509Certificate leaf;
    try {
      leaf = PeerProofs.leaf(real.getSession().getPeerCertificates());
    } catch (SSLPeerUnverifiedException | CertificateException e) {
      throw new PeerIdentityException(
          "expected a peer with a certificate, found none on a session that was resumed",
          "a certificate",
          null,
          e);
    }
    PeerProof earlier = owner.proofs().findByLeaf(leaf, terms.peerRole());
    if (earlier == null) {
      throw new PeerIdentityException(
          "expected the proof of an earlier full handshake, found none for a session that was resumed",
          "a proof of this leaf",
          null,
          null);
    }
    return earlier;
  }

  /**
   * Looks at what a call made of the engine.
   *
   * @param verified whether the peer was verified before that call; a result from before must not
   *     be taken for a renegotiation when another thread has verified meanwhile
   */
  private void observe(SSLEngineResult result, boolean verified) throws SSLException {
    HandshakeStatus status = result.getHandshakeStatus();
    if (peer == null) {
      boolean done =
          status == HandshakeStatus.FINISHED
              || (status == HandshakeStatus.NOT_HANDSHAKING
                  && handshakeBegun
                  && result.getStatus() == Status.OK
                  && !real.isInboundDone()
                  && !real.isOutboundDone());
      if (done) {
        verify();
      }
      return;
    }
    if (verified
        && tls12
        && status != HandshakeStatus.NOT_HANDSHAKING
        && result.getStatus() == Status.OK
        && !real.isInboundDone()
        && !real.isOutboundDone()) {
      // No handshake is due any more in TLS 1.2: the peer asks to renegotiate (RFC 5746).
      MeshException reason =
          new PeerIdentityException(
              "expected application data, found a renegotiation, which is refused",
              "one handshake",
              null,
              null);
      cut(reason);
      throw new SSLProtocolException(reason.getMessage());
    }
  }

  private void throwIfCut() throws SSLException {
    MeshException reason = cut.get();
    if (reason != null) {
      throw failed(reason);
    }
  }

  private static SSLException failed(MeshException reason) {
    SSLHandshakeException failed = new SSLHandshakeException(reason.getMessage());
    failed.initCause(reason);
    return failed;
  }

  @Override
  public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer destination)
      throws SSLException {
    throwIfCut();
    begin();
    boolean verified = peer != null;
    int from = destination.position();
    MeshEngine outer = HandshakeScope.enter(this);
    SSLEngineResult result;
    try {
      result = real.wrap(sources, offset, length, destination);
    } catch (SSLException | RuntimeException e) {
      tellFailed(e);
      throw e;
    } finally {
      HandshakeScope.leave(outer);
    }
    if (!verified) {
      ownHello.feed(passed(destination, from));
    }
    if (result.getStatus() == Status.CLOSED) {
      releaseIfDone();
    }
    boolean passed = false;
    try {
      observe(result, verified);
      throwIfCut();
      if (peer == null && result.bytesConsumed() > 0) {
        throw new SSLProtocolException("application data was taken before the peer was verified");
      }
      passed = true;
      return result;
    } finally {
      if (!passed) {
        destination.position(from); // what nobody may read, or not any more
      }
    }
  }

  @Override
  public SSLEngineResult unwrap(
      ByteBuffer source, ByteBuffer[] destinations, int offset, int length) throws SSLException {
    throwIfCut();
    begin();
    boolean verified = peer != null;
    int first = length == 1 ? destinations[offset].position() : 0;
    int[] starts = length == 1 ? null : positions(destinations, offset, length);
    int from = source.position();
    MeshEngine outer = HandshakeScope.enter(this);
    SSLEngineResult result;
    try {
      result = real.unwrap(source, destinations, offset, length);
    } catch (SSLException | RuntimeException e) {
      tellFailed(e);
      throw e;
    } finally {
      HandshakeScope.leave(outer);
    }
    if (!verified) {
      peersHello.feed(passed(source, from));
    }
    boolean passed = false;
    try {
      observe(result, verified);
      throwIfCut();
      if (peer == null && result.bytesProduced() > 0) {
        throw new SSLProtocolException("application data came before the peer was verified");
      }
      passed = true;
      return result;
    } finally {
      if (!passed) {
        for (int i = 0; i < length; i++) {
          wipe(destinations[offset + i], starts == null ? first : starts[i]);
        }
      }
    }
  }

  /** What the engine has taken from a buffer, or put into it. */
  private static ByteBuffer passed(ByteBuffer buffer, int from) {
    return buffer.duplicate().flip().position(from);
  }

  private static int[] positions(ByteBuffer[] buffers, int offset, int length) {
    int[] positions = new int[length];
    for (int i = 0; i < length; i++) {
      positions[i] = buffers[offset + i].position();
    }
    return positions;
  }

  /** Takes back what was produced: the application never sees it. */
  private static void wipe(ByteBuffer buffer, int from) {
    for (int at = from; at < buffer.position(); at++) {
      buffer.put(at, (byte) 0);
    }
    buffer.position(from);
  }

  @Override
  public @Nullable Runnable getDelegatedTask() {
    Runnable task = real.getDelegatedTask();
    if (task == null) {
      return null;
    }
    return () -> {
      MeshEngine outer = HandshakeScope.enter(this);
      try {
        task.run();
      } finally {
        HandshakeScope.leave(outer);
      }
    };
  }

  @Override
  public void beginHandshake() throws SSLException {
    throwIfCut();
    begin();
    if (peer != null && tls12) {
      throw new SSLProtocolException("renegotiation is refused");
    }
    real.beginHandshake();
  }

  @Override
  public void closeInbound() throws SSLException {
    if (cut.get() != null) {
      discardOutput();
    }
    try {
      real.closeInbound(); // throws where the peer has not closed, and is closed all the same
    } finally {
      releaseIfDone();
    }
  }

  /**
   * A cut engine says nothing more; but BoringSSL frees its memory only once its last words have
   * been taken.
   */
  private void discardOutput() {
    try {
      real.closeOutbound();
      ByteBuffer scratch = ByteBuffer.allocate(real.getSession().getPacketBufferSize());
      for (int record = 0; record < MAX_LAST_RECORDS && !real.isOutboundDone(); record++) {
        if (real.wrap(ByteBuffer.allocate(0), scratch.clear()).bytesProduced() == 0) {
          return;
        }
      }
    } catch (SSLException | RuntimeException e) {
      // It is broken besides; closing the other direction is all that is left to do.
    }
  }

  @Override
  public void closeOutbound() {
    real.closeOutbound();
    releaseIfDone();
  }

  /**
   * Leaves the registry once both directions are closed. Servers that close both and never ask
   * whether they are done, as the JDK's, would stay in it until their engine is collected.
   */
  private void releaseIfDone() {
    if (!released && real.isInboundDone() && real.isOutboundDone()) {
      release();
    }
  }

  @Override
  public boolean isInboundDone() {
    boolean done = real.isInboundDone();
    if (done && real.isOutboundDone()) {
      release();
    }
    return done;
  }

  @Override
  public boolean isOutboundDone() {
    boolean done = real.isOutboundDone();
    if (done && real.isInboundDone()) {
      release();
    }
    return done;
  }

  @Override
  public HandshakeStatus getHandshakeStatus() {
    return real.getHandshakeStatus();
  }

  @Override
  public SSLSession getSession() {
    return session;
  }

  /**
   * The session that is being made; like {@link #getSession} it shows no peer that was not
   * verified.
   */
  @Override
  public @Nullable SSLSession getHandshakeSession() {
    SSLSession making = real.getHandshakeSession();
    return making == null ? null : new MeshSession(this, () -> making);
  }

  /** Empty where none was agreed: JSSE says "", Conscrypt null. */
  @Override
  public String getApplicationProtocol() {
    String protocol = real.getApplicationProtocol();
    return protocol == null ? "" : protocol;
  }

  @Override
  public @Nullable String getHandshakeApplicationProtocol() {
    return real.getHandshakeApplicationProtocol();
  }

  @Override
  public void setHandshakeApplicationProtocolSelector(
      @Nullable BiFunction<SSLEngine, List<String>, String> selector) {
    alpnSelector = selector;
    real.setHandshakeApplicationProtocolSelector(
        selector == null ? null : (engine, offered) -> selector.apply(this, offered));
  }

  @Override
  public @Nullable BiFunction<SSLEngine, List<String>, String>
      getHandshakeApplicationProtocolSelector() {
    return alpnSelector;
  }

  @Override
  public String toString() {
    return "MeshEngine[" + terms + ", epoch " + epoch.number() + ", peer " + peer + "]";
  }
}
