package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Modular applications with the adapters, by the options that the documents name and no others. */
@ExtendWith(Quiet.class)
class ModulePathAdaptersTest {
  private static final String FOR_MARIADB =
      "--add-exports=org.mariadb.jdbc/org.mariadb.jdbc.util=io.meshnative.jdbc";
  private static final String FOR_TOMCAT =
      "--add-reads=io.meshnative.servlet=org.apache.tomcat.embed.core";

  private static final String FOR_GRPC = "--add-modules=com.google.common.util.concurrent.internal";

  @TempDir Path directory;

  private ModularApplication databases(String drivers) throws Exception {
    ModularApplication app =
        new ModularApplication(directory, "mesh-native-jdbc", "postgresql-", "mariadb-java");
    app.write(
        "module app { requires io.meshnative.jdbc; " + drivers + " }",
        """
        package app;

        import io.meshnative.MeshClient;
        import io.meshnative.MeshClients;
        import io.meshnative.consul.ConsulConfig;
        import io.meshnative.jdbc.MeshJdbcUrl;
        import java.sql.Connection;
        import java.sql.DriverManager;
        import java.sql.ResultSet;
        import java.sql.Statement;
        import java.time.Duration;

        public final class Main {
          public static void main(String[] args) throws Exception {
            try (MeshClient web =
                    MeshClient.builder("web")
                        .consul(ConsulConfig.builder().address(args[0]).build())
                        .build();
                var registered = MeshClients.register("web", web)) {
              web.awaitReady(Duration.ofSeconds(60));
              for (int i = 1; i < args.length; i++) {
                try (Connection connection =
                        DriverManager.getConnection(
                            MeshJdbcUrl.rewrite(args[i]), "app", "s3cret");
                    Statement statement = connection.createStatement();
                    ResultSet result = statement.executeQuery("SELECT 41 + 1")) {
                  result.next();
                  System.out.println(
                      connection.getClass().getModule().getName() + ": " + result.getInt(1));
                }
              }
            }
          }
        }
        """);
    assertThat(app.compile()).isEmpty();
    return app;
  }

  @Test
  void aPostgresqlIsReachedFromTheModulePath() throws Exception {
    RealPeers.requirePostgres();
    try (DatabaseServer database = DatabaseServer.postgres();
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      serve(cast, database);
      assertThat(
              databases("requires org.postgresql.jdbc;")
                  .run(
                      List.of(),
                      plane.plane().httpAddr(),
                      "jdbc:postgresql://db/app?connectTimeout=60"))
          .contains("org.postgresql.jdbc: 42");
    }
  }

  @Test
  void aMariadbIsReachedFromTheModulePathWithItsTypeOfSocketFactoriesExported() throws Exception {
    RealPeers.requireMariadb();
    try (DatabaseServer database = DatabaseServer.mariadb();
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      serve(cast, database);
      assertThat(
              databases("requires org.mariadb.jdbc;")
                  .run(
                      List.of(FOR_MARIADB),
                      plane.plane().httpAddr(),
                      "jdbc:mariadb://db/app?connectTimeout=60000"))
          .contains("org.mariadb.jdbc: 42");
    }
  }

  private static void serve(Cast cast, DatabaseServer database) throws Exception {
    MeshClient db = cast.registered("db");
    cast.keep(new Terminator(db, database.port()));
    Cast.awaitEndpoint(cast.client("web"), "db");
  }

  /** Tomcat, the server of the JDK and gRPC's, each called by its client in the same program. */
  @Test
  void serversAndTheirClientsWorkOnTheModulePath() throws Exception {
    ModularApplication app =
        new ModularApplication(
            directory,
            "mesh-native-(okhttp|httpserver|servlet|grpc)",
            "tomcat-embed-core|tomcat-annotations",
            "grpc-(api|core|context|util|stub|netty-shaded)",
            "guava|failureaccess|perfmark|animal-sniffer|gson");
    app.write(
        """
        module app {
          requires io.meshnative.testkit;
          requires io.meshnative.okhttp;
          requires io.meshnative.httpserver;
          requires io.meshnative.servlet;
          requires io.meshnative.grpc;
          requires io.grpc.stub;
          requires org.apache.tomcat.embed.core;
        }
        """,
        """
        package app;

        import io.grpc.CallOptions;
        import io.grpc.ManagedChannel;
        import io.grpc.MethodDescriptor;
        import io.grpc.Server;
        import io.grpc.ServerServiceDefinition;
        import io.grpc.stub.ClientCalls;
        import io.grpc.stub.ServerCalls;
        import io.meshnative.MeshClient;
        import io.meshnative.consul.ConsulConfig;
        import io.meshnative.discovery.Destination;
        import io.meshnative.grpc.MeshChannelBuilder;
        import io.meshnative.grpc.MeshServerBuilder;
        import io.meshnative.httpserver.MeshHttpServer;
        import io.meshnative.okhttp.MeshOkHttp;
        import io.meshnative.servlet.tomcat.MeshTomcatConnector;
        import io.meshnative.testkit.EmbeddedControlPlane;
        import jakarta.servlet.http.HttpServlet;
        import jakarta.servlet.http.HttpServletRequest;
        import jakarta.servlet.http.HttpServletResponse;
        import java.io.ByteArrayInputStream;
        import java.io.IOException;
        import java.io.InputStream;
        import java.io.UncheckedIOException;
        import java.net.InetSocketAddress;
        import java.time.Duration;
        import okhttp3.OkHttpClient;
        import okhttp3.Request;
        import okhttp3.Response;
        import org.apache.catalina.Context;
        import org.apache.catalina.startup.Tomcat;

        public final class Main {
          private static final Duration PATIENCE = Duration.ofSeconds(60);

          private static MeshClient join(EmbeddedControlPlane plane, String name) throws Exception {
            MeshClient client =
                MeshClient.builder(name)
                    .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                    .build();
            client.awaitReady(PATIENCE);
            return client;
          }

          public static void main(String[] args) {
            try {
              call();
            } catch (Throwable e) {
              e.printStackTrace();
            }
            System.exit(0); // Tomcat's threads are no daemons
          }

          private static void call() throws Exception {
            try (EmbeddedControlPlane plane = EmbeddedControlPlane.start();
                MeshClient web = join(plane, "web");
                MeshClient tomcat = join(plane, "tomcat");
                MeshClient jdk = join(plane, "jdk");
                MeshClient grpc = join(plane, "grpc")) {
              plane.allow("*", "*");
              tomcat(plane, tomcat);
              jdk(plane, jdk);
              Server server = grpc(plane, grpc);
              OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
              for (String name : new String[] {"tomcat", "jdk"}) {
                web.endpointPool(Destination.parse(name), PATIENCE);
                Request request = new Request.Builder().url("https://" + name + ".mesh/").build();
                try (Response response = http.newCall(request).execute()) {
                  System.out.println(name + ": " + response.code() + " " + response.body().string());
                }
              }
              web.endpointPool(Destination.parse("grpc"), PATIENCE);
              ManagedChannel channel = MeshChannelBuilder.forService("grpc", web).build();
              System.out.println(
                  "grpc: " + ClientCalls.blockingUnaryCall(channel, ECHO, CallOptions.DEFAULT, "hi"));
              channel.shutdownNow();
              server.shutdownNow();
            }
          }

          private static void tomcat(EmbeddedControlPlane plane, MeshClient service)
              throws Exception {
            Tomcat tomcat = new Tomcat();
            tomcat.setBaseDir(System.getProperty("java.io.tmpdir"));
            MeshTomcatConnector connector = new MeshTomcatConnector(service);
            connector.setPort(0);
            connector.setProperty("address", "127.0.0.1");
            tomcat.getService().addConnector(connector);
            Context context = tomcat.addContext("", null);
            Tomcat.addServlet(context, "hello", new Hello());
            context.addServletMappingDecoded("/", "hello");
            tomcat.start();
            plane.register("tomcat", "tomcat-1", "127.0.0.1", connector.getLocalPort());
          }

          public static final class Hello extends HttpServlet {
            @Override
            protected void doGet(HttpServletRequest request, HttpServletResponse response)
                throws IOException {
              response.getWriter().print("hello " + request.getUserPrincipal().getName());
            }
          }

          private static void jdk(EmbeddedControlPlane plane, MeshClient service) throws Exception {
            MeshHttpServer server =
                MeshHttpServer.create(service, new InetSocketAddress("127.0.0.1", 0));
            server.createContext(
                "/",
                exchange -> {
                  byte[] body = ("hello " + MeshHttpServer.peer(exchange).getName()).getBytes();
                  exchange.sendResponseHeaders(200, body.length);
                  exchange.getResponseBody().write(body);
                  exchange.close();
                });
            server.start();
            plane.register("jdk", "jdk-1", "127.0.0.1", server.getAddress().getPort());
          }

          private static Server grpc(EmbeddedControlPlane plane, MeshClient service)
              throws Exception {
            Server server =
                MeshServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), service)
                    .addService(
                        ServerServiceDefinition.builder("app.Echo")
                            .addMethod(
                                ECHO,
                                ServerCalls.asyncUnaryCall(
                                    (request, response) -> {
                                      response.onNext("hello " + request);
                                      response.onCompleted();
                                    }))
                            .build())
                    .build()
                    .start();
            plane.register("grpc", "grpc-1", "127.0.0.1", server.getPort());
            return server;
          }

          private static final MethodDescriptor.Marshaller<String> TEXT =
              new MethodDescriptor.Marshaller<>() {
                @Override
                public InputStream stream(String value) {
                  return new ByteArrayInputStream(value.getBytes());
                }

                @Override
                public String parse(InputStream stream) {
                  try {
                    return new String(stream.readAllBytes());
                  } catch (IOException e) {
                    throw new UncheckedIOException(e);
                  }
                }
              };

          private static final MethodDescriptor<String, String> ECHO =
              MethodDescriptor.<String, String>newBuilder(TEXT, TEXT)
                  .setType(MethodDescriptor.MethodType.UNARY)
                  .setFullMethodName("app.Echo/Echo")
                  .build();
        }
        """);
    assertThat(app.compile(FOR_TOMCAT)).isEmpty();
    assertThat(app.run(List.of(FOR_TOMCAT, FOR_GRPC)))
        .contains("tomcat: 200 hello spiffe://")
        .contains("jdk: 200 hello spiffe://")
        .contains("grpc: hello hi");
  }
}
