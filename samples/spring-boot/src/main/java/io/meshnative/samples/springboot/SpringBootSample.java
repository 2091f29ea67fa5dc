package io.meshnative.samples.springboot;

import io.meshnative.samples.operator.Operator;
import io.meshnative.samples.operator.SampleAgent;
import io.meshnative.samples.springboot.orders.OrdersApplication;
import io.meshnative.samples.springboot.web.WebApplication;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Starts two Spring Boot applications, each with a web server of its own, and asks the one, which
 * asks the other, which asks its database, while an operator changes the intentions between them.
 *
 * <p>Runs on an embedded control plane, or, when {@code CONSUL_HTTP_ADDR} is set, on a real Consul
 * agent; what it writes there it removes at the end. A Consul before 1.9 knows no methods in
 * intentions: there the whole service is allowed and denied. The database is in the mesh if {@code
 * ORDERS_DB} is the {@code host:port} of a PostgreSQL.
 */
public final class SpringBootSample {
  private static final String WEB = "spring-sample-web";
  private static final String ORDERS = "spring-sample-orders";
  private static final String DATABASE = "spring-sample-orders-db";
  private static final String READ_ONLY =
      """
      {"Action":"allow","HTTP":{"PathPrefix":"/orders/","Methods":["GET"]}},\
      {"Action":"deny","HTTP":{"PathPrefix":"/"}}\
      """;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final HttpClient people =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();
  private final SampleAgent agent;
  private final Operator operator;
  private final String postgres;
  private String site = "";

  private SpringBootSample(SampleAgent agent, String postgres) {
    this.agent = agent;
    this.operator = agent.operator();
    this.postgres = postgres;
  }

  /**
   * Runs it; the exit status is 0 if all of it worked.
   *
   * @param args unused
   * @throws Exception what went wrong
   */
  public static void main(String[] args) throws Exception {
    String postgres = System.getenv("ORDERS_DB");
    try (SampleAgent agent = SampleAgent.open()) {
      say("Control plane: " + agent);
      new SpringBootSample(agent, postgres == null ? "" : postgres.strip()).run();
    }
    say("spring-boot: OK");
  }

  private void run() throws Exception {
    boolean methods = operator.knowsPermissions();
    if (methods) {
      operator.speaks(ORDERS, "http");
    }
    try {
      if (postgres.isEmpty()) {
        say("Database: H2 in the memory of " + ORDERS + ", not in the mesh; a PostgreSQL at");
        say("          ORDERS_DB=host:port would be, and denied for a while at the end");
        talk(methods, false, "--spring.datasource.url=jdbc:h2:mem:orders");
      } else {
        say("Database: PostgreSQL at " + postgres + ", in the mesh as " + DATABASE);
        operator.decide(ORDERS, DATABASE, "allow");
        try (DatabaseInTheMesh unused = new DatabaseInTheMesh(DATABASE, agent.config(), postgres)) {
          talk(methods, true);
        }
      }
    } finally {
      operator.clear();
    }
  }

  private void talk(boolean methods, boolean database, String... settings) throws Exception {
    try (ConfigurableApplicationContext orders = OrdersApplication.start(arguments(settings));
        ConfigurableApplicationContext web = WebApplication.start(arguments())) {
      say("Applications: " + ORDERS + " at " + port(orders) + ", " + WEB + " at " + port(web));
      site = "http://127.0.0.1:" + port(web) + "/orders/17";
      if (methods) {
        byMethod();
      } else {
        asAWhole();
      }
      if (database) {
        withTheDatabase();
      }
    }
  }

  /** What the files of the applications cannot know: free ports, and an agent in this process. */
  private String[] arguments(String... settings) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--server.port=0",
                "--mesh-native.consul.address=" + agent.config().address(),
                "--mesh-native.shutdown-drain=0s",
                "--spring.main.banner-mode=off",
                "--logging.level.root=error"));
    arguments.addAll(List.of(settings));
    return arguments.toArray(String[]::new);
  }

  private static int port(ConfigurableApplicationContext application) {
    return application.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  private void byMethod() throws Exception {
    say("\nAn intention lets " + WEB + " read orders of " + ORDERS + ", and nothing else.\n");
    operator.permit(WEB, ORDERS, READ_ONLY);
    refused(403, "permission", "DELETE");
    served("GET");

    say("It now denies " + WEB + " altogether.\n");
    operator.decide(WEB, ORDERS, "deny");
    refused(403, "intention", "GET");

    say("It now allows all.\n");
    operator.decide(WEB, ORDERS, "allow");
    served("DELETE");
  }

  private void asAWhole() throws Exception {
    say("\nThis Consul is older than 1.9 and knows no methods in intentions: all or nothing.");
    say("An intention lets " + WEB + " call " + ORDERS + ".\n");
    operator.decide(WEB, ORDERS, "allow");
    served("GET");

    say("It now denies.\n");
    operator.decide(WEB, ORDERS, "deny");
    refused(403, "intention", "GET");

    say("It now allows again.\n");
    operator.decide(WEB, ORDERS, "allow");
    served("DELETE");
  }

  private void withTheDatabase() throws Exception {
    say("An intention now denies " + ORDERS + " its database; the pool lets its connections go.\n");
    operator.decide(ORDERS, DATABASE, "deny");
    refused(503, "intention", "GET");

    say("It now allows it again.\n");
    operator.decide(ORDERS, DATABASE, "allow");
    served("GET");
  }

  /** What a request gave. */
  private record Outcome(int status, String shown) {}

  private void served(String method) throws IOException, InterruptedException {
    expect(200, "order 17", method);
  }

  /** By the one who calls or by the one who is called, whoever learns of the change first. */
  private void refused(int status, String why, String method)
      throws IOException, InterruptedException {
    expect(status, why, method);
  }

  /**
   * Makes a request until it gives what is expected, since the news of a change takes a moment, and
   * shows it once. What was under way when a connection was cut says only that.
   */
  private void expect(int status, String what, String method)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    Outcome outcome = call(method);
    while (!(outcome.status() == status && outcome.shown().contains(what))
        && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
      outcome = call(method);
    }
    say("$ curl -i -X " + method + " " + site);
    say(outcome.shown());
    if (outcome.status() != status || !outcome.shown().contains(what)) {
      throw new IOException(
          "expected " + status + " and \"" + what + "\", found " + outcome.shown());
    }
  }

  private Outcome call(String method) throws IOException, InterruptedException {
    HttpResponse<String> answer =
        people.send(
            HttpRequest.newBuilder(URI.create(site))
                .timeout(PATIENCE)
                .method(method, HttpRequest.BodyPublishers.noBody())
                .build(),
            HttpResponse.BodyHandlers.ofString());
    String refusal =
        answer
            .headers()
            .firstValue("mesh-refusal")
            .map(why -> "  mesh-refusal: " + why + "\n")
            .orElse("");
    return new Outcome(
        answer.statusCode(),
        "  HTTP/1.1 "
            + answer.statusCode()
            + "\n"
            + refusal
            + "\n  "
            + answer.body().strip()
            + "\n");
  }

  private static void say(String line) {
    System.out.println(line);
  }
}
