package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.util.List;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Protocol;

/** A service of the mesh that speaks HTTP, and stands in the catalog. */
final class Application implements AutoCloseable {
  final MeshClient mesh;
  final MockWebServer server = new MockWebServer();
  private final EmbeddedControlPlane plane;
  private final String id;

  Application(EmbeddedControlPlane plane, MeshClient mesh, String id, Protocol... protocols)
      throws IOException {
    this.plane = plane;
    this.mesh = mesh;
    this.id = id;
    server.useHttps(mesh.serverContext().getSocketFactory());
    server.requireClientAuth();
    if (protocols.length > 0) {
      server.setProtocols(List.of(protocols));
    }
    server.start();
    plane.register(mesh.service(), id, "127.0.0.1", server.getPort());
  }

  void answer(String body) {
    server.enqueue(new MockResponse.Builder().body(body).build());
  }

  RecordedRequest request() throws InterruptedException {
    return server.takeRequest();
  }

  @Override
  public void close() {
    plane.deregister(id);
    stop(server);
  }

  /** It complains where its threads take long to end, as they may on a busy machine. */
  static void stop(MockWebServer server) {
    try {
      server.close();
    } catch (AssertionError e) {
      // They end by themselves: their sockets are closed.
    }
  }
}
