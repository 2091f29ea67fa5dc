package io.meshnative.tests;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.TlsProvider;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Callable;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;

/** The services that play in one test; closed together, the last first. */
final class Cast implements AutoCloseable {
  /**
   * How long a condition may take before the test is taken to hang; says nothing of how long it
   * should.
   */
  static final Duration GUARD = Duration.ofSeconds(60);

  private final Plane plane;
  private final Optional<TlsProvider> tls;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  Cast(Plane plane) {
    this(plane, Optional.empty());
  }

  /** Plays on this TLS engine; empty for the library's own choice. */
  Cast(Plane plane, Optional<TlsProvider> tls) {
    this.plane = plane;
    this.tls = tls;
  }

  /** A client of the plane, yet to be built. */
  MeshClient.Builder builder(String service) {
    return on(plane.client(service));
  }

  /** A client that leaves every decision to the other side, yet to be built. */
  MeshClient.Builder lawlessBuilder(String service) throws IOException {
    return on(plane.lawlessClient(service));
  }

  /** Puts a client yet to be built on the TLS engine of this cast. */
  MeshClient.Builder on(MeshClient.Builder builder) {
    tls.ifPresent(builder::tlsProvider);
    return builder;
  }

  <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  /** A client that is ready. */
  MeshClient ready(MeshClient.Builder builder) throws Exception {
    MeshClient client = keep(builder.build());
    client.awaitReady(GUARD);
    return client;
  }

  MeshClient client(String service) throws Exception {
    return ready(builder(service));
  }

  /** A client that leaves every decision to the other side. */
  MeshClient lawless(String service) throws Exception {
    return ready(lawlessBuilder(service));
  }

  /** A client that enters the port of its first listener into the catalog. */
  MeshClient registered(String service) throws Exception {
    return ready(builder(service).register(ofListener()));
  }

  static Registration ofListener() {
    return Registration.ofListener().withAddress("127.0.0.1");
  }

  MeshServerSocket listen(MeshClient client) throws IOException {
    return keep(client.listen(loopback(), ListenOptions.defaults()));
  }

  Echo echo(MeshClient client) throws IOException {
    return keep(new Echo(listen(client)));
  }

  static InetSocketAddress loopback() {
    return new InetSocketAddress("127.0.0.1", 0);
  }

  /** Waits until a client knows an endpoint. */
  static void awaitEndpoint(MeshClient client, String destination) {
    await(
        client.service() + " knows " + destination,
        () -> !client.endpoints(Destination.parse(destination)).isEmpty());
  }

  static void await(String what, Callable<Boolean> condition) {
    await(what, GUARD, condition);
  }

  /** For what takes its time though nothing hangs. */
  static void await(String what, Duration guard, Callable<Boolean> condition) {
    Awaitility.await(what).atMost(guard).pollInterval(Duration.ofMillis(20)).until(condition);
  }

  /**
   * Whether a new connection carries a byte there and back; false if somebody's policy refuses it.
   */
  static boolean reaches(MeshClient from, String to) throws IOException {
    try (SSLSocket socket = from.dial(to)) {
      socket.setSoTimeout((int) GUARD.toMillis());
      Echo.ping(socket);
      return true;
    } catch (MeshAuthorizationException | PeerRefusedException e) {
      return false;
    }
  }

  static void awaitReaches(MeshClient from, String to, boolean expected) {
    await(
        from.service() + (expected ? " reaches " : " does not reach ") + to,
        () -> reaches(from, to) == expected);
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
