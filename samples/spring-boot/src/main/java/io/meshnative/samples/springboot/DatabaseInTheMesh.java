package io.meshnative.samples.springboot;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;

/**
 * Makes a database a service of the mesh: ends the mesh's TLS in front of it and passes the bytes
 * on. What {@code consul connect proxy} would do beside it.
 */
final class DatabaseInTheMesh implements AutoCloseable {
  private final MeshClient mesh;
  private final MeshServerSocket door;
  private final String host;
  private final int port;

  DatabaseInTheMesh(String service, ConsulConfig consul, String address) throws Exception {
    this.host = address.substring(0, address.lastIndexOf(':'));
    this.port = Integer.parseInt(address.substring(address.lastIndexOf(':') + 1));
    this.mesh =
        MeshClient.builder(service)
            .consul(consul)
            .register(Registration.ofListener().withAddress("127.0.0.1"))
            .build();
    mesh.awaitReady(Duration.ofSeconds(60));
    this.door = mesh.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
    start("database-door", this::open);
  }

  /** Only those come through whom an intention lets. */
  private void open() {
    while (!door.isClosed()) {
      try {
        Socket caller = door.accept();
        start("database-caller", () -> join(caller));
      } catch (IOException e) {
        if (!door.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void join(Socket caller) {
    try (caller;
        Socket database = new Socket(host, port)) {
      start("database-asked", () -> copy(caller, database));
      copy(database, caller);
    } catch (IOException e) {
      // The caller sees the end of its connection.
    }
  }

  private static void copy(Socket from, Socket to) {
    try (from;
        to) {
      from.getInputStream().transferTo(to.getOutputStream());
    } catch (IOException e) {
      // One end was cut: the other goes with it.
    }
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    door.close();
    mesh.close();
  }
}
