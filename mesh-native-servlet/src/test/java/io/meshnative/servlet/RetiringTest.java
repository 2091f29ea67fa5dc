package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.allow;
import static io.meshnative.servlet.ServletWorld.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.RetirePolicy;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Connections whose certificates grow old are drained: no request fails, and new ones follow. */
class RetiringTest {
  private static final RetirePolicy AT_ONCE = new RetirePolicy(1e-9, 2e-9);

  @ParameterizedTest
  @CsvSource({"JETTY, HTTP_1_1", "JETTY, HTTP_2", "TOMCAT, HTTP_1_1"})
  void theServerAsksForANewConnectionAndNoRequestFails(Container container, Protocol protocol)
      throws Exception {
    AtomicInteger connections = new AtomicInteger();
    try (ServletWorld world =
        new ServletWorld(container, Engine.CONSCRYPT, new TestApplication(), AT_ONCE)) {
      world.rules(allow("/show/"));
      OkHttpClient http =
          world
              .http(protocol)
              .newBuilder()
              .eventListener(
                  new EventListener() {
                    @Override
                    public void connectEnd(
                        Call call, InetSocketAddress address, Proxy proxy, Protocol spoken) {
                      connections.incrementAndGet();
                    }
                  })
              .build();
      await()
          .atMost(ServletWorld.GUARD)
          .until(() -> {
            try (Response response = get(http, "/show/a")) {
              assertThat(response.code()).isEqualTo(200);
              assertThat(response.body().string()).contains("path: /show/a\n");
            }
            return connections.get() >= 3;
          });
    }
  }
}
