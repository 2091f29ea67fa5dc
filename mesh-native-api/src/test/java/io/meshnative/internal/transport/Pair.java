package io.meshnative.internal.transport;

import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/** Our socket and its peer over loopback, perhaps with a relay between. */
final class Pair implements AutoCloseable {
  /** Ours, the peer ("a JSSE SSLSocket" where null), the version, the side that we are. */
  record Setup(Vendor ours, @Nullable Vendor peer, String version, boolean client) {
    @Override
    public String toString() {
      return ours
          + (client ? " client" : " server")
          + " with "
          + (peer == null ? "SSLSocket" : peer)
          + ", "
          + version;
    }

    boolean tls13() {
      return version.equals("TLSv1.3");
    }
  }

  static Stream<Setup> all() {
    return Stream.concat(withSockets(), withEngines());
  }

  /** Each of our engines, on either side, with a peer that shares none of our code. */
  static Stream<Setup> withSockets() {
    List<Setup> setups = new ArrayList<>();
    for (Vendor ours : Vendor.values()) {
      for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
        setups.add(new Setup(ours, null, version, true));
        setups.add(new Setup(ours, null, version, false));
      }
    }
    return setups.stream();
  }

  static Stream<Setup> clients() {
    return withSockets().filter(Setup::client);
  }

  static Stream<Setup> withSocketsTls12() {
    return withSockets().filter(setup -> !setup.tls13());
  }

  static Stream<Setup> withSocketsTls13() {
    return withSockets().filter(Setup::tls13);
  }

  static Stream<Setup> clientsTls13() {
    return clients().filter(Setup::tls13);
  }

  private static Stream<Setup> withEngines() {
    List<Setup> setups = new ArrayList<>();
    for (Vendor ours : Vendor.values()) {
      for (Vendor peer : Vendor.values()) {
        setups.add(new Setup(ours, peer, "TLSv1.2", true));
        setups.add(new Setup(ours, peer, "TLSv1.3", true));
      }
    }
    return setups.stream();
  }

  final Setup setup;
  final ExecutorService threads = Executors.newCachedThreadPool(Pair::daemon);
  final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1, Pair::daemon);
  final AtomicInteger closings = new AtomicInteger();
  final SSLEngine engine;
  final Socket rawOurs;
  final Socket rawPeer;
  final TlsChannel channel;
  final MeshSocket ours;
  final SSLSocket peer;
  private final @Nullable Relay between;

  Pair(Setup setup) throws IOException {
    this(setup, false, true);
  }

  Pair(Setup setup, boolean relayed, boolean peerTrusts) throws IOException {
    this.setup = setup;
    Socket[] near = tcp();
    rawOurs = near[0];
    if (relayed) {
      Socket[] far = tcp();
      rawPeer = far[0];
      Relay relay = new Relay(far[1], near[1]);
      threads.execute(relay);
      between = relay;
      threads.execute(() -> Relay.copyPlainly(near[1], far[1]));
    } else {
      rawPeer = near[1];
      between = null;
    }
    engine = Tls.engine(setup.ours, setup.version, setup.client);
    channel = new TlsChannel(rawOurs, engine, "db", scheduler, closings::incrementAndGet);
    ours = new MeshSocket(channel);
    if (setup.peer == null) {
      peer =
          (SSLSocket)
              Tls.context(Vendor.JSSE, peerTrusts)
                  .getSocketFactory()
                  .createSocket(rawPeer, "localhost", 1, true);
      peer.setUseClientMode(!setup.client);
      peer.setEnabledProtocols(new String[] {setup.version});
      peer.setNeedClientAuth(setup.client);
    } else {
      SSLEngine far = Tls.engine(setup.peer, setup.version, !setup.client, peerTrusts);
      peer = new MeshSocket(new TlsChannel(rawPeer, far, "peer", scheduler, () -> {}));
    }
  }

  /** A connected pair whose handshake is done. */
  static Pair connected(Setup setup) throws Exception {
    return new Pair(setup).shakeHands();
  }

  static Pair relayed(Setup setup) throws Exception {
    return new Pair(setup, true, true).shakeHands();
  }

  Pair shakeHands() throws Exception {
    Future<?> theirs = run(peer::startHandshake);
    ours.startHandshake();
    theirs.get();
    return this;
  }

  static Socket[] tcp() throws IOException {
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Socket near = new Socket(listener.getInetAddress(), listener.getLocalPort());
      Socket far = listener.accept();
      near.setTcpNoDelay(true);
      far.setTcpNoDelay(true);
      return new Socket[] {near, far};
    }
  }

  /** Something that may fail. */
  interface Action {
    void run() throws Exception;
  }

  Future<?> run(Action action) {
    return threads.submit(() -> {
      action.run();
      return true;
    });
  }

  /** As {@link #run}, for what may fail when the test is over. */
  void background(Action action) {
    threads.execute(() -> {
      try {
        action.run();
      } catch (Exception e) {
        // The test looks at the other end.
      }
    });
  }

  Relay relay() {
    return Objects.requireNonNull(between, "not relayed");
  }

  <T> Future<T> call(Callable<T> call) {
    return threads.submit(call);
  }

  /** What a background action failed with. */
  static Throwable failure(Future<?> future) throws Exception {
    try {
      future.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      return e.getCause();
    }
    throw new AssertionError("expected a failure, found none");
  }

  InputStream in() throws IOException {
    return ours.getInputStream();
  }

  OutputStream out() throws IOException {
    return ours.getOutputStream();
  }

  InputStream peerIn() throws IOException {
    return peer.getInputStream();
  }

  OutputStream peerOut() throws IOException {
    return peer.getOutputStream();
  }

  @Override
  public void close() throws IOException {
    rawOurs.close();
    rawPeer.close();
    if (between != null) {
      between.close();
    }
    ours.close();
    threads.shutdownNow();
    scheduler.shutdownNow();
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "pair");
    thread.setDaemon(true);
    return thread;
  }
}
