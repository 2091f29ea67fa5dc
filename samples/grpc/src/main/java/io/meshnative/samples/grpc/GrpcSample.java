package io.meshnative.samples.grpc;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Registration;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.grpc.MeshServerBuilder;
import io.meshnative.samples.operator.Operator;
import io.meshnative.samples.operator.SampleAgent;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Two services in one process talk gRPC over the mesh. An intention decides method by method, and
 * changes under their open connection.
 *
 * <p>Runs on an embedded control plane, or, when {@code CONSUL_HTTP_ADDR} is set, on a real Consul
 * agent. There it registers {@code grpc-sample-stock}, writes its {@code service-defaults} and its
 * {@code service-intentions}, and removes all of it at the end. A Consul before 1.9 knows no
 * methods in intentions: there the whole service is allowed and denied.
 */
public final class GrpcSample {
  private static final String WEB = "grpc-sample-web";
  private static final String STOCK = "grpc-sample-stock";
  private static final String COUNT_ONLY =
      """
      {"Action":"allow","HTTP":{"PathExact":"/shop.Stock/Count"}},\
      {"Action":"deny","HTTP":{"PathPrefix":"/"}}\
      """;
  private static final String ALL_OF_STOCK =
      """
      {"Action":"allow","HTTP":{"PathPrefix":"/shop.Stock/"}},\
      {"Action":"deny","HTTP":{"PathPrefix":"/"}}\
      """;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /**
   * The library logs each denial; here the program tells the story. Held: loggers are collected.
   */
  private static final Logger LIBRARY = Logger.getLogger("io.meshnative");

  private final Operator operator;

  private GrpcSample(Operator operator) {
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
      new GrpcSample(agent.operator()).run(agent.config());
    }
    say("grpc: OK");
  }

  private void run(ConsulConfig consul) throws Exception {
    boolean methods = operator.knowsPermissions();
    if (methods) {
      operator.speaks(STOCK, "grpc");
    }
    try (MeshClient stock =
            MeshClient.builder(STOCK)
                .consul(consul)
                .register(Registration.ofListener().withAddress("127.0.0.1"))
                .build();
        MeshClient web = MeshClient.builder(WEB).consul(consul).build()) {
      stock.awaitReady(PATIENCE);
      web.awaitReady(PATIENCE);
      say("Identities: " + stock.identity().id());
      say("            " + web.identity().id());
      Server server =
          MeshServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), stock)
              .addService(Stock.service())
              .build()
              .start(); // and the service is in the catalog
      ManagedChannel channel = MeshChannelBuilder.forService(STOCK, web).build();
      try {
        if (methods) {
          byMethod(channel);
        } else {
          asAWhole(channel);
        }
      } finally {
        channel.shutdownNow();
        server.shutdownNow();
        operator.clear();
      }
    }
  }

  private void byMethod(ManagedChannel channel) throws Exception {
    say("\nAn intention lets " + WEB + " call Count, and nothing else.\n");
    operator.permit(WEB, STOCK, COUNT_ONLY);
    expect(Status.Code.PERMISSION_DENIED, channel, Stock.TAKE);
    expect(Status.Code.OK, channel, Stock.COUNT);

    say("It now lets it call all methods; the connection stays.\n");
    operator.permit(WEB, STOCK, ALL_OF_STOCK);
    expect(Status.Code.OK, channel, Stock.TAKE);

    say("It now denies " + WEB + " altogether; the connection ends.\n");
    operator.decide(WEB, STOCK, "deny");
    expect(Status.Code.PERMISSION_DENIED, channel, Stock.COUNT);
  }

  private void asAWhole(ManagedChannel channel) throws Exception {
    say("\nThis Consul is older than 1.9 and knows no methods in intentions: all or nothing.");
    say("An intention lets " + WEB + " call " + STOCK + ".\n");
    operator.decide(WEB, STOCK, "allow");
    expect(Status.Code.OK, channel, Stock.COUNT);
    expect(Status.Code.OK, channel, Stock.TAKE);

    say("It now denies; the connection ends.\n");
    operator.decide(WEB, STOCK, "deny");
    expect(Status.Code.PERMISSION_DENIED, channel, Stock.COUNT);
  }

  /** What a call came to. */
  private record Outcome(Status.Code code, String shown) {}

  /**
   * Calls until it comes to what is expected, since the news of a change takes a moment, and shows
   * it once.
   */
  private static void expect(
      Status.Code code, ManagedChannel channel, MethodDescriptor<String, String> method)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    Outcome outcome = call(channel, method);
    while (outcome.code() != code && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
      outcome = call(channel, method);
    }
    say(method.getFullMethodName() + ": " + outcome.code() + "\n  " + outcome.shown() + "\n");
    if (outcome.code() != code) {
      throw new IOException("expected " + code + ", found " + outcome.code());
    }
  }

  private static Outcome call(ManagedChannel channel, MethodDescriptor<String, String> method) {
    try {
      String answer =
          ClientCalls.blockingUnaryCall(
              channel,
              method,
              CallOptions.DEFAULT.withDeadlineAfter(PATIENCE.toSeconds(), TimeUnit.SECONDS),
              "teapot");
      return new Outcome(Status.Code.OK, answer);
    } catch (StatusRuntimeException e) {
      return new Outcome(e.getStatus().getCode(), String.valueOf(e.getStatus().getDescription()));
    }
  }

  private static void say(String line) {
    System.out.println(line);
  }
}
