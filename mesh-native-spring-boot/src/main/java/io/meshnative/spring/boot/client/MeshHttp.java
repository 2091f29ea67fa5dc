package io.meshnative.spring.boot.client;

import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshHosts;
import io.meshnative.okhttp.MeshOkHttp;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import okhttp3.ConnectionPool;
import okhttp3.Dispatcher;
import okhttp3.OkHttpClient;

/**
 * The HTTP client that Spring's clients use for calls into the mesh. One pool and one set of
 * threads for all of them. Thread-safe.
 */
final class MeshHttp implements AutoCloseable {
  /** OkHttp's own 5 would make a busy service do handshakes all day. */
  private static final int IDLE_CONNECTIONS = 256;

  private static final long IDLE_MINUTES = 5;

  private final Routing routing;
  private final OkHttpClient client;

  MeshHttp(MeshClient mesh, MeshHosts hosts) {
    this.routing = new Routing(hosts);
    Dispatcher dispatcher = new Dispatcher();
    // Limits on calls are the application's, who knows what its callees bear.
    dispatcher.setMaxRequests(Integer.MAX_VALUE);
    dispatcher.setMaxRequestsPerHost(Integer.MAX_VALUE);
    this.client =
        MeshOkHttp.install(
                new OkHttpClient.Builder()
                    .dispatcher(dispatcher)
                    .connectionPool(
                        new ConnectionPool(IDLE_CONNECTIONS, IDLE_MINUTES, TimeUnit.MINUTES)),
                mesh,
                hosts)
            .build();
  }

  Routing routing() {
    return routing;
  }

  OkHttpClient calls(HttpTimeouts timeouts) {
    OkHttpClient.Builder builder = client.newBuilder().followRedirects(timeouts.redirects());
    Duration connect = timeouts.connect();
    if (connect != null) {
      builder.connectTimeout(connect);
    }
    Duration read = timeouts.read();
    if (read != null) {
      builder.readTimeout(read);
    }
    return builder.build();
  }

  @Override
  public void close() {
    client.dispatcher().cancelAll();
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
  }
}
