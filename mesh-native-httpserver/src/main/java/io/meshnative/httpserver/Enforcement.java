package io.meshnative.httpserver;

import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsExchange;
import io.meshnative.HttpRefusal;
import io.meshnative.IdentityHeaders;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.RequestLease;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Judges each request before anything of the application sees it.
 *
 * <p>Invariant: the rest of the chain gets a {@link MeshExchange}, which exists only for a request
 * that was admitted; its lease is open as long as the response runs.
 */
final class Enforcement extends Filter {
  private static final Logger LOG = System.getLogger("io.meshnative.httpserver");

  private final MeshClient client;

  Enforcement(MeshClient client) {
    this.client = client;
  }

  @Override
  public String description() {
    return "judges requests by the intentions of " + client.service();
  }

  @Override
  public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
    Turn turn = Turn.current();
    if (!(exchange instanceof HttpsExchange https)) {
      throw new IOException("expected an exchange over TLS, found " + exchange.getClass());
    }
    Headers headers = new Headers();
    headers.putAll(IdentityHeaders.stripped(exchange.getRequestHeaders()));
    HttpRequestView request;
    try {
      Optional<String> defect = Framing.defect(exchange.getProtocol(), headers);
      if (defect.isPresent()) {
        malformed(exchange, new HttpRefusal(400, HttpRefusal.MALFORMED), defect.get());
        return;
      }
      request =
          HttpRequestView.of(
              exchange.getRequestMethod(),
              // An URI that was parsed shows the very text it was parsed from.
              exchange.getRequestURI().toString(),
              headers.getOrDefault("Host", List.of()),
              headers);
    } catch (MalformedRequestException e) {
      malformed(exchange, HttpRefusal.of(e), String.valueOf(e.getMessage()));
      return;
    }
    MeshPeer peer;
    try {
      peer = client.peer(https.getSSLSession());
    } catch (MeshAuthorizationException e) {
      refuse(exchange, HttpRefusal.of(e), true);
      return;
    }
    Cut cut = new Cut(exchange);
    RequestLease lease;
    try {
      lease = client.admit(peer, request, cut::cut);
    } catch (MeshAuthorizationException e) {
      refuse(exchange, HttpRefusal.of(e), false);
      return;
    }
    if (client.isRetiring(https.getSSLSession())) {
      exchange.getResponseHeaders().set("Connection", "close"); // the JDK heeds it
    }
    serve(turn, new MeshExchange(https, headers, peer, lease, cut), chain);
  }

  /**
   * Runs the rest of the chain. A handler may return and answer from another thread later; one that
   * throws has ended, and the JDK closes the connection.
   */
  private static void serve(Turn turn, MeshExchange exchange, Chain chain) throws IOException {
    boolean passed = false;
    try {
      turn.admitted();
      chain.doFilter(exchange);
      exchange.requireWhole();
      passed = true;
    } finally {
      if (!passed) {
        exchange.over();
      }
    }
  }

  private void malformed(HttpExchange exchange, HttpRefusal refusal, String why)
      throws IOException {
    LOG.log(
        Level.DEBUG,
        () -> client.service() + " answers 400 to " + exchange.getRemoteAddress() + ": " + why);
    refuse(exchange, refusal, true);
  }

  /**
   * Answers without the application. The turn's deadline still runs, so that a body which does not
   * come keeps nobody.
   */
  private static void refuse(HttpExchange exchange, HttpRefusal refusal, boolean close)
      throws IOException {
    Headers answer = exchange.getResponseHeaders();
    answer.set(HttpRefusal.HEADER, refusal.id());
    answer.set("Content-Type", HttpRefusal.CONTENT_TYPE);
    if (close) {
      answer.set("Connection", "close");
    }
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(refusal.status(), -1);
      return;
    }
    byte[] body = refusal.body().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(refusal.status(), body.length);
    OutputStream out = exchange.getResponseBody();
    out.write(body);
    out.flush(); // before what is left of the request is read, which may take its time
    exchange.close();
  }
}
