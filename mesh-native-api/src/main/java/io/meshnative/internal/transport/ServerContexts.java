package io.meshnative.internal.transport;

import io.meshnative.ListenOptions;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerAuthorizer;
import io.meshnative.RequestGate;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.MeshSslContext;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocketFactory;
import org.jspecify.annotations.Nullable;

/** The contexts that servers take, one a gate, and the gates. */
public final class ServerContexts {
  /** Opens a listener of the client. */
  public interface Listen {
    MeshServerSocket open(SocketAddress address, ListenOptions options) throws IOException;
  }

  private final TlsEngines engines;
  private final LiveConnections live;
  private final ScheduledExecutorService scheduler;
  private final Openings openings;
  private final HostNames names;
  private final Listen listen;
  private final SSLContext plain;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<RequestGate, SSLContext> gated = new WeakHashMap<>();

  public ServerContexts(
      TlsEngines engines,
      LiveConnections live,
      ScheduledExecutorService scheduler,
      Openings openings,
      HostNames names,
      Listen listen) {
    this.engines = engines;
    this.live = live;
    this.scheduler = scheduler;
    this.openings = openings;
    this.names = names;
    this.listen = listen;
    this.plain = make(new Terms.Inbound(Optional.empty(), PeerAuthorizer.intentions()));
  }

  public SSLContext context() {
    return plain;
  }

  public RequestGate gate() {
    return new Gate(live);
  }

  public SSLContext context(RequestGate gate) {
    if (!(gate instanceof Gate ours) || ours.live != live) {
      throw new IllegalArgumentException(
          "expected a gate of this client's requestGate(), found another");
    }
    lock.lock();
    try {
      // The context knows the gate's state, not the gate, so that both can be collected together.
      return gated.computeIfAbsent(
          gate,
          g -> make(new Terms.Inbound(Optional.of(ours.state()), PeerAuthorizer.intentions())));
    } finally {
      lock.unlock();
    }
  }

  private SSLContext make(Terms.Inbound terms) {
    return new MeshSslContext(engines, terms, () -> sockets(terms), () -> new ServerSockets(terms));
  }

  /** Sockets over connections that the server has accepted by itself. */
  private LayeredSockets sockets(Terms.Inbound terms) {
    return new LayeredSockets(
        (raw, host, port) -> {
          SocketAddress remote = raw.getRemoteSocketAddress();
          String name = remote instanceof InetSocketAddress inet ? inet.getHostString() : host;
          int from = remote instanceof InetSocketAddress inet ? inet.getPort() : port;
          return Channels.over(
              engines.engine(terms, name, from, 0),
              engine ->
                  new TlsChannel(
                      raw, engine, "the caller at " + remote, scheduler, engine::release));
        },
        openings,
        names,
        () -> sample(terms));
  }

  private MeshEngine sample(Terms.Inbound terms) {
    try {
      return engines.engine(terms, null, -1, 0);
    } catch (MeshNotReadyException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /** Closing a gate judges again whom only it had let through. */
  private static final class Gate implements RequestGate {
    private final LiveConnections live;
    private final State state;

    /** Apart from the gate, so that live connections do not keep the gate alive. */
    private static final class State implements RequestGate {
      private final LiveConnections live;
      private final AtomicBoolean armed = new AtomicBoolean();

      State(LiveConnections live) {
        this.live = live;
      }

      @Override
      public void arm() {
        armed.set(true);
      }

      @Override
      public void disarm() {
        if (armed.getAndSet(false)) {
          live.judgeAgain();
        }
      }

      @Override
      public boolean isArmed() {
        return armed.get();
      }
    }

    Gate(LiveConnections live) {
      this.live = live;
      this.state = new State(live);
    }

    RequestGate state() {
      return state;
    }

    @Override
    public void arm() {
      state.arm();
    }

    @Override
    public void disarm() {
      state.disarm();
    }

    @Override
    public boolean isArmed() {
      return state.isArmed();
    }
  }

  private final class ServerSockets extends SSLServerSocketFactory {
    private final Terms.Inbound terms;

    ServerSockets(Terms.Inbound terms) {
      this.terms = terms;
    }

    private ServerSocket open(@Nullable InetAddress address, int port, int backlog)
        throws IOException {
      if (terms.gate().isPresent()) {
        throw new IOException(
            "expected a server that judges requests to accept by itself; a gated context gives engines and layered sockets");
      }
      InetSocketAddress where =
          address == null ? new InetSocketAddress(port) : new InetSocketAddress(address, port);
      ListenOptions options = ListenOptions.defaults();
      return listen.open(where, backlog > 0 ? options.withBacklog(backlog) : options);
    }

    @Override
    public ServerSocket createServerSocket(int port) throws IOException {
      return open(null, port, 0);
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog) throws IOException {
      return open(null, port, backlog);
    }

    @Override
    public ServerSocket createServerSocket(int port, int backlog, @Nullable InetAddress address)
        throws IOException {
      return open(address, port, backlog);
    }

    @Override
    public String[] getDefaultCipherSuites() {
      return MeshEngine.ask(sample(terms), MeshEngine::getEnabledCipherSuites);
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return MeshEngine.ask(sample(terms), MeshEngine::getSupportedCipherSuites);
    }
  }
}
