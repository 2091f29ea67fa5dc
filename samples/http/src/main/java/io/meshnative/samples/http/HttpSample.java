package io.meshnative.samples.http;

import com.sun.net.httpserver.HttpExchange;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Registration;
import io.meshnative.httpserver.MeshHttpServer;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.samples.operator.Operator;
import io.meshnative.samples.operator.SampleAgent;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.logging.Level;
import java.util.logging.Logger;
import okhttp3.OkHttpClient;

/**
 * Two services in one process talk HTTP over the mesh: one calls with OkHttp, the other serves with
 * the JDK's server. An intention decides path by path, and changes under their open connection.
 *
 * <p>Runs on an embedded control plane, or, when {@code CONSUL_HTTP_ADDR} is set, on a real Consul
 * agent. There it registers {@code http-sample-api}, writes its {@code service-defaults} and its
 * {@code service-intentions}, and removes all of it at the end. A Consul before 1.9 knows no paths
 * in intentions: there the whole service is allowed and denied.
 */
public final class HttpSample {
  private static final String WEB = "http-sample-web";
  private static final String API = "http-sample-api";
  private static final String URL = "https://" + API + ".mesh";
  private static final String READ_PUBLIC =
      "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/public/\",\"Methods\":[\"GET\"]}}";
  private static final String ALL_OF_ADMIN =
      "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/admin/\"}}";
  private static final String NOTHING_ELSE =
      "{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/\"}}";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /**
   * The library logs each denial; here the program tells the story. Held: loggers are collected.
   */
  private static final Logger LIBRARY = Logger.getLogger("io.meshnative");

  private final Operator operator;

  private HttpSample(Operator operator) {
    this.operator = operator;
  }

  /**
   * Runs it; the exit status is 0 if all of it worked.
   *
   * @param args unused
   * @throws Exception what went wrong
   */
  public static void main(String[] args) throws Exception {
    LIBRARY.setLevel(Level.SEVERE);
    try (SampleAgent agent = SampleAgent.open()) {
      say("Control plane: " + agent);
      new HttpSample(agent.operator()).run(agent.config());
    }
    say("http: OK");
  }

  private void run(ConsulConfig consul) throws Exception {
    boolean paths = operator.knowsPermissions();
    if (paths) {
      operator.speaks(API, "http");
    }
    try (MeshClient api =
            MeshClient.builder(API)
                .consul(consul)
                .register(Registration.ofListener().withAddress("127.0.0.1"))
                .build();
        MeshClient web = MeshClient.builder(WEB).consul(consul).build()) {
      api.awaitReady(PATIENCE);
      web.awaitReady(PATIENCE);
      say("Identities: " + api.identity().id());
      say("            " + web.identity().id());
      MeshHttpServer server = MeshHttpServer.create(api, new InetSocketAddress("127.0.0.1", 0));
      server.createContext("/", HttpSample::answer);
      server.start(); // and the service is in the catalog
      try {
        Curl curl = new Curl(MeshOkHttp.install(new OkHttpClient.Builder(), web).build());
        if (paths) {
          byPath(curl);
        } else {
          asAWhole(curl);
        }
      } finally {
        server.stop(0);
        operator.clear();
      }
    }
  }

  /** Says who asks, as proven, and for what. */
  private static void answer(HttpExchange exchange) throws IOException {
    String caller = MeshHttpServer.peer(exchange).service().service();
    String text = "hello " + caller + ", this is " + exchange.getRequestURI() + "\n";
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  private void byPath(Curl curl) throws Exception {
    say("\nAn intention lets " + WEB + " GET what lies under /public/, and nothing else.\n");
    operator.permit(WEB, API, READ_PUBLIC + "," + NOTHING_ELSE);
    curl.expect(403, "GET", URL + "/admin/users");
    curl.expect(200, "GET", URL + "/public/hello");
    curl.expect(403, "POST", URL + "/public/hello");

    say("It now opens /admin/ as well; the connection stays.\n");
    operator.permit(WEB, API, READ_PUBLIC + "," + ALL_OF_ADMIN + "," + NOTHING_ELSE);
    curl.expect(200, "GET", URL + "/admin/users");

    say("It now denies " + WEB + " altogether; the connection ends.\n");
    operator.decide(WEB, API, "deny");
    curl.expect(Curl.REFUSED, "GET", URL + "/public/hello");
  }

  private void asAWhole(Curl curl) throws Exception {
    say("\nThis Consul is older than 1.9 and knows no paths in intentions: all or nothing.");
    say("An intention lets " + WEB + " call " + API + ".\n");
    operator.decide(WEB, API, "allow");
    curl.expect(200, "GET", URL + "/public/hello");
    curl.expect(200, "GET", URL + "/admin/users");

    say("It now denies; the connection ends.\n");
    operator.decide(WEB, API, "deny");
    curl.expect(Curl.REFUSED, "GET", URL + "/public/hello");
  }

  static void say(String line) {
    System.out.println(line);
  }
}
