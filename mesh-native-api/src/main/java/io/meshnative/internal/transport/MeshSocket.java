package io.meshnative.internal.transport;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import javax.net.ssl.HandshakeCompletedEvent;
import javax.net.ssl.HandshakeCompletedListener;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * The {@code SSLSocket} that applications hold: a thin face of a {@link TlsChannel}. It has a
 * channel from the start, or, <i>deferred</i>, gets one when it is connected; the channel never
 * changes after that.
 *
 * <p>A deferred socket reaches its destination whatever address {@code connect} is given, for
 * drivers insist on an address of their own. It connects once: if that fails it is closed, like any
 * {@code Socket}. {@code close()} ends a connect in progress.
 *
 * <p>One that is made {@link #forDriver for a driver} says {@code isClosed()} only after its
 * owner's own {@code close()}, as a plain socket does that the peer has reset: drivers that ask
 * first would never meet the reason for which the mesh ended it.
 *
 * <p>{@code getSession()} before {@code connect} gives a session without content and does not
 * connect.
 *
 * <p>Applications see what they see of the JDK's own {@code SSLSocket}, with these differences: an
 * end of the TCP stream without close_notify is an error and not the end of the data; after this
 * side's close, reads fail as on a plain {@code Socket}; {@code shutdownInput()} does not wait for
 * the peer's close_notify; what ended a connection is told by every later call; handshake listeners
 * are called before the first byte, on the thread that did the handshake. On interrupts see {@link
 * TlsChannel}: the same with both, but that ours is closed where the JDK has closed the TCP socket
 * of a virtual thread. On BoringSSL a half-closed connection takes no answer, in TLS 1.3 too.
 */
@SuppressWarnings("UnsynchronizedOverridesSynchronized") // Monitors pin virtual threads.
public final class MeshSocket extends OptionsSocket {
  private static final System.Logger LOG = System.getLogger(MeshSocket.class.getName());

  private final @Nullable Connector connector;
  private final boolean tellsByIo;
  private final TlsSettings tls;
  private final ReentrantLock connecting = new ReentrantLock();
  private final List<HandshakeCompletedListener> listeners = new CopyOnWriteArrayList<>();
  private volatile @Nullable TlsChannel channel;

  /** The raw socket that is being connected, for whoever closes us meanwhile. */
  private volatile @Nullable Socket attempt;

  /** Set by the owner's close, and where there is nothing to own. */
  private volatile boolean givenUp;

  /** Set if this socket was ended, perhaps before it had a channel. */
  private final AtomicReference<@Nullable Ending> ending = new AtomicReference<>();

  /**
   * Makes a socket over a channel, accepted or dialled; closing it closes the channel.
   *
   * @param channel its handshake may be done or not; the first I/O performs it
   */
  public MeshSocket(TlsChannel channel) {
    this.connector = null;
    this.tellsByIo = false;
    this.channel = channel;
    this.tls = new TlsSettings(channel.engine());
  }

  /**
   * Makes a deferred socket.
   *
   * @param connector asked once, by {@code connect}
   */
  public MeshSocket(Connector connector) {
    this(connector, false);
  }

  private MeshSocket(Connector connector, boolean tellsByIo) {
    this.connector = connector;
    this.tellsByIo = tellsByIo;
    this.tls = new TlsSettings(null);
  }

  /**
   * Makes a deferred socket that tells what ended it by its reads and writes, and not by {@code
   * isClosed()}.
   *
   * @param connector asked once, by {@code connect}
   * @return the socket
   */
  static MeshSocket forDriver(Connector connector) {
    return new MeshSocket(connector, true);
  }

  /** Null before {@code connect}. */
  @Override
  @Nullable TlsChannel channel() {
    return channel;
  }

  @Override
  public void connect(SocketAddress requested) throws IOException {
    connect(requested, 0);
  }

  /**
   * Connects to the destination.
   *
   * @param requested where to; a socket that dials a destination ignores it, the mesh knows better
   * @param timeout milliseconds; 0 means the default of the options, not for ever
   */
  @Override
  public void connect(SocketAddress requested, int timeout) throws IOException {
    if (timeout < 0) {
      throw new IllegalArgumentException("expected a timeout of 0 ms or more, found " + timeout);
    }
    connecting.lock();
    try {
      throwIfEnded();
      if (connector == null || channel != null) {
        throw new SocketException("already connected");
      }
      dial(connector, requested, timeout);
    } finally {
      connecting.unlock();
    }
    handshakeCompleted();
  }

  private void dial(Connector to, SocketAddress requested, int timeout) throws IOException {
    TlsChannel made = null;
    boolean kept = false;
    try {
      made = to.connect(requested, timeout, this::prepare);
      made.setSoTimeout(settings.soTimeout());
      tls.connected(made.engine());
      channel = made;
      throwIfEnded();
      kept = true;
    } finally {
      attempt = null;
      if (!kept) {
        givenUp = true;
        ending.compareAndSet(null, Ending.closed());
        if (made != null) {
          made.close();
        }
      }
    }
  }

  private void prepare(Socket raw) throws IOException {
    attempt = raw;
    throwIfEnded();
    settings.applyTo(raw);
  }

  private void throwIfEnded() throws IOException {
    Ending ended = ending.get();
    if (ended != null) {
      throw ended.exception();
    }
  }

  /** The channel if it can be used, else an exception that says why not. */
  private TlsChannel usable() throws IOException {
    TlsChannel present = channel;
    if (present == null) {
      throwIfEnded();
      throw new SocketException("Socket is not connected");
    }
    present.throwIfEnded();
    return present;
  }

  @Override
  public void startHandshake() throws IOException {
    if (usable().handshakeIfNeeded()) {
      handshakeCompleted();
    }
  }

  /** On the thread that did the handshake, with no lock held. */
  private void handshakeCompleted() {
    TlsChannel present = channel;
    SSLSession session = present == null ? null : present.session();
    if (session == null || listeners.isEmpty()) {
      return;
    }
    HandshakeCompletedEvent event = new HandshakeCompletedEvent(this, session);
    for (HandshakeCompletedListener listener : listeners) {
      try {
        listener.handshakeCompleted(event);
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "a handshake listener of the application failed", e);
      }
    }
  }

  @Override
  public InputStream getInputStream() throws IOException {
    TlsChannel present = usable();
    if (present.isInputShutdown()) {
      throw new SocketException("Socket input is shutdown");
    }
    return new ChannelStreams.Input(this, present);
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    TlsChannel present = usable();
    if (present.isOutputShutdown()) {
      throw new SocketException("Socket output is shutdown");
    }
    return new ChannelStreams.Output(this, present);
  }

  @Override
  public void shutdownInput() throws IOException {
    usable().shutdownInput();
  }

  /** Sends close_notify and goes on reading. */
  @Override
  public void shutdownOutput() throws IOException {
    startHandshake();
    usable().shutdownOutput();
  }

  /** See {@link TlsChannel#close}; ends a connect in progress. */
  @Override
  public void close() {
    givenUp = true;
    end(Ending.closed());
    TlsChannel present = channel;
    if (present != null) {
      present.close();
    }
  }

  /**
   * Ends the connection at once for a reason that every blocked and later read and write shows.
   *
   * @param reason see {@link TlsChannel#abort}
   */
  public void abort(IOException reason) {
    end(Ending.because(reason));
    TlsChannel present = channel;
    if (present != null) {
      present.abort(reason);
    }
  }

  private void end(Ending made) {
    ending.compareAndSet(null, made);
    Socket present = attempt;
    if (present != null) {
      RawSockets.closeQuietly(present);
    }
  }

  @Override
  public boolean isClosed() {
    TlsChannel present = channel;
    if (tellsByIo && present != null) {
      return givenUp;
    }
    return ending.get() != null || (present != null && present.isClosed());
  }

  @Override
  public boolean isConnected() {
    return channel != null;
  }

  @Override
  public boolean isInputShutdown() {
    TlsChannel present = channel;
    return present != null && present.isInputShutdown();
  }

  @Override
  public boolean isOutputShutdown() {
    TlsChannel present = channel;
    return present != null && present.isOutputShutdown();
  }

  /**
   * The session, after the handshake, which this performs on a connected socket. A failed handshake
   * gives the session without content, as {@code SSLSocket} wants it; I/O tells why.
   */
  @Override
  public SSLSession getSession() {
    TlsChannel present = channel;
    if (present == null) {
      return NullSession.INSTANCE;
    }
    try {
      if (present.session() == null) {
        startHandshake();
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "getSession() met a handshake that failed", e);
    }
    SSLSession session = present.session();
    return session != null ? session : NullSession.INSTANCE;
  }

  @Override
  public @Nullable SSLSession getHandshakeSession() {
    TlsChannel present = channel;
    return present == null ? null : present.engine().getHandshakeSession();
  }

  /** Null before the handshake is done; "" if no protocol was agreed, on every engine. */
  @Override
  public @Nullable String getApplicationProtocol() {
    TlsChannel present = channel;
    if (present == null || present.session() == null) {
      return null;
    }
    String agreed = present.engine().getApplicationProtocol();
    return agreed == null ? "" : agreed;
  }

  @Override
  public @Nullable String getHandshakeApplicationProtocol() {
    TlsChannel present = channel;
    return present == null ? null : present.engine().getHandshakeApplicationProtocol();
  }

  @Override
  public void setHandshakeApplicationProtocolSelector(
      @Nullable BiFunction<SSLSocket, List<String>, String> selector) {
    engine()
        .setHandshakeApplicationProtocolSelector(
            selector == null ? null : (engine, offered) -> selector.apply(this, offered));
  }

  @Override
  public @Nullable BiFunction<SSLSocket, List<String>, String>
      getHandshakeApplicationProtocolSelector() {
    BiFunction<SSLEngine, List<String>, String> selector =
        engine().getHandshakeApplicationProtocolSelector();
    return selector == null ? null : (socket, offered) -> selector.apply(engine(), offered);
  }

  private SSLEngine engine() {
    TlsChannel present = channel;
    if (present == null) {
      throw new UnsupportedOperationException(
          "a socket that connects later takes its application protocols from its dial options");
    }
    return present.engine();
  }

  /** Called on the thread that performs the handshake; not called if it is done already. */
  @Override
  public void addHandshakeCompletedListener(HandshakeCompletedListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
  }

  @Override
  public void removeHandshakeCompletedListener(HandshakeCompletedListener listener) {
    if (!listeners.remove(listener)) {
      throw new IllegalArgumentException("expected a listener that was added, found another");
    }
  }

  private @Nullable SSLSession done() {
    TlsChannel present = channel;
    return present == null ? null : present.session();
  }

  @Override
  public String[] getSupportedProtocols() {
    return tls.supportedProtocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return tls.enabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {
    tls.enableProtocols(protocols, done());
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return tls.supportedSuites();
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return tls.enabledSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {
    tls.enableSuites(suites, done());
  }

  @Override
  public SSLParameters getSSLParameters() {
    return tls.parameters();
  }

  @Override
  public void setSSLParameters(SSLParameters parameters) {
    tls.parameters(parameters, done());
  }

  @Override
  public boolean getUseClientMode() {
    return tls.clientMode();
  }

  @Override
  public void setUseClientMode(boolean mode) {
    tls.clientMode(mode);
  }

  @Override
  public boolean getNeedClientAuth() {
    return tls.needsClientCertificate();
  }

  @Override
  public void setNeedClientAuth(boolean need) {
    tls.needClientCertificate(need);
  }

  @Override
  public boolean getWantClientAuth() {
    return tls.wantsClientCertificate();
  }

  @Override
  public void setWantClientAuth(boolean want) {
    tls.wantClientCertificate(want);
  }

  @Override
  public boolean getEnableSessionCreation() {
    return true;
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {
    tls.sessionCreation(flag);
  }
}
