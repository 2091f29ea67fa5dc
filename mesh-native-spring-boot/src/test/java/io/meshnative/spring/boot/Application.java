package io.meshnative.spring.boot;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.meshnative.CatalogEntry;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Registration;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLParameters;

/** A service of the mesh that echoes what it is sent, for clients to call. */
final class Application implements AutoCloseable {
  private final MeshClient mesh;
  private final HttpsServer server;
  private final CatalogEntry entry;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  Application(EmbeddedControlPlane plane, String service) throws Exception {
    mesh =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    mesh.awaitReady(Duration.ofSeconds(60));
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(mesh.serverContext()) {
          @Override
          public void configure(HttpsParameters parameters) {
            SSLParameters wanted = getSSLContext().getDefaultSSLParameters();
            wanted.setNeedClientAuth(true);
            parameters.setSSLParameters(wanted);
          }
        });
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
    entry = mesh.register(Registration.of(server.getAddress().getPort()).withAddress("127.0.0.1"));
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String text =
        mesh.service()
            + " "
            + exchange.getRequestMethod()
            + " "
            + exchange.getRequestURI()
            + " "
            + new String(body, StandardCharsets.UTF_8);
    if (exchange.getRequestURI().getPath().equals("/redirect")) {
      exchange.getResponseHeaders().add("Location", exchange.getRequestURI().getQuery());
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
      return;
    }
    byte[] answer = text.trim().getBytes(StandardCharsets.UTF_8);
    String said = exchange.getRequestHeaders().getFirst("X-Say");
    exchange.getResponseHeaders().add("X-Echo", said == null ? "nothing" : said);
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  @Override
  public void close() {
    entry.close();
    server.stop(0);
    threads.shutdownNow();
    mesh.close();
  }
}
