package io.meshnative.httpserver;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/** A plane that allows what nobody denies, the service {@code api}, and {@code web} that calls. */
final class Mesh implements AutoCloseable {
  static final Duration GUARD = Duration.ofSeconds(60);

  final EmbeddedControlPlane plane = EmbeddedControlPlane.builder().defaultAllow(true).start();
  final MeshClient api = client("api");
  final MeshClient web = client("web");

  MeshClient client(String service) {
    try {
      MeshClient client = builder(service).build();
      client.awaitReady(GUARD);
      return client;
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  MeshClient.Builder builder(String service) {
    return MeshClient.builder(service)
        .consul(ConsulConfig.builder().address("http://" + plane.httpAddr()).build());
  }

  static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  MeshHttpServer server() throws IOException {
    return MeshHttpServer.create(api, loopback());
  }

  SSLSocket connect(MeshHttpServer server) throws IOException {
    int port = server.getAddress().getPort();
    Socket raw = new Socket(InetAddress.getLoopbackAddress(), port);
    raw.setSoTimeout((int) GUARD.toMillis());
    return (SSLSocket)
        web.sslSocketFactory(Destination.parse("api")).createSocket(raw, "api", port, true);
  }

  /**
   * Asks on a connection of its own; returns the status line, the headers, and the body's lines, or
   * nothing if the connection ended first.
   */
  List<String> ask(MeshHttpServer server, String path, String... headers) throws IOException {
    try (SSLSocket socket = connect(server)) {
      OutputStream out = socket.getOutputStream();
      StringBuilder head = new StringBuilder("GET " + path + " HTTP/1.1\r\nHost: api\r\n");
      for (String header : headers) {
        head.append(header).append("\r\n");
      }
      out.write((head + "Connection: close\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      StringBuilder answer = new StringBuilder();
      try {
        InputStream in = socket.getInputStream();
        for (int c = in.read(); c >= 0; c = in.read()) {
          answer.append((char) c);
        }
      } catch (SSLException | SocketException e) {
        // The JDK's server closes without close_notify, and resets if something was left unread.
      }
      return answer.isEmpty() ? List.of() : answer.toString().lines().toList();
    }
  }

  /** The status of the answer. */
  int status(MeshHttpServer server, String path, String... headers) throws IOException {
    return Integer.parseInt(answer(server, path, headers).get(0).substring(9, 12));
  }

  private List<String> answer(MeshHttpServer server, String path, String... headers)
      throws IOException {
    List<String> lines = ask(server, path, headers);
    if (lines.isEmpty()) {
      throw new EOFException("expected an answer, found the end of the connection");
    }
    return lines;
  }

  /** The last line of the answer. */
  String body(MeshHttpServer server, String path, String... headers) throws IOException {
    List<String> lines = answer(server, path, headers);
    return lines.get(lines.size() - 1);
  }

  @Override
  public void close() {
    web.close();
    api.close();
    plane.close();
  }
}
