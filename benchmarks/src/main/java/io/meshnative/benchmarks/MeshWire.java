package io.meshnative.benchmarks;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import javax.net.ssl.SSLSocket;

/** By the library: {@code dial} and {@code listen}, with an intention that decides. */
final class MeshWire extends Wire {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final MeshClient web;
  private final MeshClient db;
  private final MeshServerSocket server;

  MeshWire(EmbeddedControlPlane plane, Engine engine) throws Exception {
    plane.allow("web", "db-" + engine);
    this.web = client(plane, "web", engine);
    this.db = client(plane, "db-" + engine, engine);
    this.server = db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
    serve(server);
    plane.register("db-" + engine, "db-" + engine, "127.0.0.1", server.getLocalPort());
    Destination destination = Destination.parse("db-" + engine);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (web.endpoints(destination).isEmpty()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("expected an endpoint of " + destination + ", found none");
      }
      Thread.onSpinWait();
    }
  }

  private static MeshClient client(EmbeddedControlPlane plane, String service, Engine engine)
      throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.address().toString()).build())
            .tlsProvider(engine.provider())
            .sessionResumption(false)
            .build();
    client.awaitReady(PATIENCE);
    return client;
  }

  int chainLength() {
    return web.identity().chain().size();
  }

  @Override
  SSLSocket connect() throws IOException {
    return web.dial(db.service());
  }

  @Override
  long resumed() {
    return web.snapshot().resumedHandshakes() + db.snapshot().resumedHandshakes();
  }

  @Override
  public void close() throws Exception {
    server.close();
    web.close();
    db.close();
    super.close();
  }
}
