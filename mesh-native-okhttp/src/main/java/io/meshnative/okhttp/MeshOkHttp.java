package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import java.util.Objects;
import okhttp3.Call;
import okhttp3.OkHttpClient;

/**
 * Leads OkHttp's calls to mesh services into the mesh.
 *
 * <pre>{@code
 * OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), mesh).build();
 * Request request = new Request.Builder().url("https://db.mesh/orders/17").build();
 * try (Response response = http.newCall(request).execute()) { … }
 * }</pre>
 *
 * <p>The host names the service, see {@link MeshHosts}; {@code http://db.mesh/} means the same as
 * {@code https://db.mesh/}: mutual TLS, always. The port of the URL is not used, for endpoints have
 * ports of their own. Calls to all other hosts are left alone. OkHttp's pool, retries, fast
 * fallback, timeouts, HTTP/2, WebSockets and interceptors work as usual, endpoint by endpoint.
 *
 * <ul>
 *   <li>A service that does not exist, or has no healthy endpoint, is a {@link
 *       io.meshnative.NoEndpointException}; DNS is never asked for a mesh host, and no HTTP proxy
 *       is used.
 *   <li>An endpoint that is somebody else is a {@link io.meshnative.PeerIdentityException}; one
 *       that refuses us is a {@link io.meshnative.PeerRefusedException} or, where our side knows
 *       that already, a {@link io.meshnative.MeshAuthorizationException}.
 *   <li>A rotated certificate drains connections: new calls take new ones. A withdrawn right cuts
 *       them, streams included; HTTP/2 connections are never shared between services.
 *   <li>Redirects within the mesh are followed as the client is configured; out of the mesh, or
 *       into it from outside, they fail.
 * </ul>
 *
 * <p>OkHttp keeps only 5 idle connections by default. A service that calls others from many threads
 * gives its client a larger {@link okhttp3.ConnectionPool}: each connection that is not kept is
 * another handshake.
 */
public final class MeshOkHttp {
  private MeshOkHttp() {}

  /**
   * Installs the mesh in a client, for hosts by {@link MeshHosts#defaults()}.
   *
   * @param builder changed and returned
   * @param mesh must stay open as long as calls are made
   * @return the builder
   */
  public static OkHttpClient.Builder install(OkHttpClient.Builder builder, MeshClient mesh) {
    return install(builder, mesh, MeshHosts.defaults());
  }

  /**
   * Installs the mesh in a client.
   *
   * @param builder changed and returned; interceptors that are added later see calls as the
   *     application made them no longer, but with {@code https} URLs
   * @param mesh must stay open as long as calls are made
   * @param hosts which hosts are in the mesh
   * @return the builder
   */
  public static OkHttpClient.Builder install(
      OkHttpClient.Builder builder, MeshClient mesh, MeshHosts hosts) {
    Objects.requireNonNull(mesh, "mesh");
    Objects.requireNonNull(hosts, "hosts");
    return builder
        .addInterceptor(new MeshCalls(mesh, hosts))
        .addNetworkInterceptor(new MeshCalls.Wire(hosts));
  }

  /**
   * Returns calls of a client that exists, with the mesh installed; they share its pool, threads
   * and settings.
   *
   * @param client the client; not changed
   * @param mesh must stay open as long as calls are made
   * @return makes calls
   */
  public static Call.Factory callFactory(OkHttpClient client, MeshClient mesh) {
    return install(client.newBuilder(), mesh).build();
  }
}
