package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What changes while a handshake is under way. */
class RotationInFlightTest {

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  @Timeout(60)
  void aHandshakeThatBeganBeforeARootCameAcceptsALeafOfThatRoot(String provider) throws Exception {
    MeshTestAuthority old = MeshTestAuthority.create();
    MeshTestAuthority fresh = old.successor(KeyType.EC_P256);
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(old, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(old, "db");
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket raw = new Socket(listening.getInetAddress(), listening.getLocalPort());
        Socket accepted = listening.accept()) {
      // Both ends are in the epoch of the old root from here on …
      SSLSocket callee =
          (SSLSocket)
              db.serverContext()
                  .getSocketFactory()
                  .createSocket(accepted, "127.0.0.1", raw.getLocalPort(), true);
      webPlane.roots(old, fresh);
      dbPlane.roots(old, fresh);
      webPlane.issue(fresh, "web"); // … and the caller's leaf is of the new one.
      SSLSocket caller =
          (SSLSocket)
              web.sslSocketFactory(Destination.parse("db"))
                  .createSocket(raw, "127.0.0.1", listening.getLocalPort(), true);
      CompletableFuture<Void> served =
          Background.run(() -> {
            try {
              callee.getOutputStream().write(callee.getInputStream().read());
            } catch (java.io.IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      Echo.ping(caller);
      served.get();
      caller.close();
      callee.close();
    }
  }
}
