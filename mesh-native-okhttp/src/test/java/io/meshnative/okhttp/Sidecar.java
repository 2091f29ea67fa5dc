package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import mockwebserver3.MockWebServer;
import okhttp3.Protocol;

/**
 * A service behind a proxy that speaks mutual TLS, agrees on no protocol by ALPN, and hands the
 * bytes on in plaintext, as sidecars do.
 */
final class Sidecar implements AutoCloseable {
  final MockWebServer behind = new MockWebServer();
  private final EmbeddedControlPlane plane;
  private final String id;
  private final MeshServerSocket listener;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  /**
   * Starts one.
   *
   * @param spoken what the service behind it speaks; {@code H2_PRIOR_KNOWLEDGE} or {@code HTTP_1_1}
   */
  Sidecar(EmbeddedControlPlane plane, MeshClient mesh, Protocol spoken) throws IOException {
    this.plane = plane;
    this.id = mesh.service() + "-sidecar";
    behind.setProtocols(List.of(spoken));
    behind.start();
    listener = mesh.listen(0);
    run(this::accept);
    plane.register(mesh.service(), id, "127.0.0.1", listener.getLocalPort());
  }

  private static void run(Runnable task) {
    Thread thread = new Thread(task, "sidecar");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket caller = listener.accept();
        Socket service = new Socket(InetAddress.getLoopbackAddress(), behind.getPort());
        open.add(caller);
        open.add(service);
        run(() -> relay(caller, service));
        run(() -> relay(service, caller));
      } catch (IOException e) {
        // The listener is closed, or the service behind it is.
      }
    }
  }

  private static void relay(Socket from, Socket to) {
    byte[] bytes = new byte[8192];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
        out.write(bytes, 0, read);
      }
    } catch (IOException e) {
      // One side has gone; the other one goes with it.
    }
  }

  @Override
  public void close() throws IOException {
    plane.deregister(id);
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    Application.stop(behind);
  }
}
