package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshOkHttp;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts whole applications that are the service {@code shop}, and calls them. */
final class Boot {
  static final String SHOP = "shop";

  private Boot() {}

  static ConfigurableApplicationContext start(Class<?> application, Plane plane, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--mesh-native.service=" + SHOP,
                "--mesh-native.consul.address=" + plane.httpAddr(),
                "--mesh-native.startup-timeout=60s",
                "--mesh-native.shutdown-drain=0s",
                "--mesh-native.server.port=0",
                "--mesh-native.register.address=127.0.0.1",
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--spring.main.banner-mode=off",
                "--logging.level.root=off"));
    for (String each : more) {
      arguments.add("--" + each);
    }
    return new SpringApplication(application).run(arguments.toArray(String[]::new));
  }

  /** Calls through a mesh, each time by another connection where it is not to be a kept one. */
  static OkHttpClient http(MeshClient mesh, int kept) {
    return MeshOkHttp.install(
            new OkHttpClient.Builder()
                .connectionPool(new ConnectionPool(kept, 5, java.util.concurrent.TimeUnit.MINUTES))
                .callTimeout(Cast.GUARD),
            mesh)
        .build();
  }

  /** Returns what was answered, as status and text. */
  static String get(OkHttpClient http, String url) throws IOException {
    try (Response response = http.newCall(new Request.Builder().url(url).build()).execute()) {
      return response.code() + " " + response.body().string();
    }
  }

  /** Waits until the application serves a caller, or serves it no more. */
  static void awaitServed(OkHttpClient http, String caller, boolean served) {
    Cast.await(
        caller + (served ? " is served" : " is served no more"),
        () -> {
          try {
            return get(http, "https://" + SHOP + ".mesh/").equals("200 hello " + caller) == served;
          } catch (IOException e) {
            return !served;
          }
        });
  }
}
