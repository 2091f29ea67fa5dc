package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import java.util.List;
import java.util.Objects;
import okhttp3.Call;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

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
 *   <li>Redirects that lead back to the same service are followed as the client is configured.
 *       Those that lead to another service, out of the mesh, or into it from outside, fail unless
 *       {@link MeshCallOptions#withRedirects} lets them through.
 *   <li>An endpoint that leaves the catalog, or is not where the destination's config entries lead
 *       any more, gets no new calls; those that run on its connections go on.
 *   <li>Where ALPN agrees on nothing, as with sidecars, HTTP/2 is spoken to services whose protocol
 *       is {@code http2} or {@code grpc}, and HTTP/1.1 to others.
 *   <li>A cookie of a mesh host is for that host alone, whatever its {@code Domain} says.
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
   * @param builder changed and returned
   * @param mesh must stay open as long as calls are made
   * @param hosts which hosts are in the mesh
   * @return the builder
   */
  public static OkHttpClient.Builder install(
      OkHttpClient.Builder builder, MeshClient mesh, MeshHosts hosts) {
    return install(builder, mesh, MeshCallOptions.defaults().withHosts(hosts));
  }

  /**
   * Installs the mesh in a client. Clients derived from it by {@code newBuilder()} have it too;
   * installing the same again changes nothing.
   *
   * @param builder changed and returned; interceptors that are added later see calls as the
   *     application made them no longer, but with {@code https} URLs, and may not lead them to
   *     another host of the mesh or out of it
   * @param mesh must stay open as long as calls are made
   * @param options how calls go into the mesh
   * @return the builder
   * @throws IllegalStateException if it has the mesh already, as another service or with other
   *     options: one of the two would count, and not say which
   */
  public static OkHttpClient.Builder install(
      OkHttpClient.Builder builder, MeshClient mesh, MeshCallOptions options) {
    Objects.requireNonNull(mesh, "mesh");
    Objects.requireNonNull(options, "options");
    MeshCalls held = installed(builder.interceptors());
    if (held != null) {
      if (held.isOf(mesh, options)) {
        return builder;
      }
      throw new IllegalStateException(
          "expected a client without the mesh, found one that calls "
              + held
              + " and was to call "
              + MeshCalls.described(mesh, options)
              + ": derive both from one without the mesh");
    }
    return builder
        .addInterceptor(new MeshCalls(mesh, options))
        .addNetworkInterceptor(new MeshWire(options));
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
    return callFactory(client, mesh, MeshCallOptions.defaults());
  }

  /**
   * Returns calls of a client that exists, with the mesh installed; they share its pool, threads
   * and settings.
   *
   * @param client the client; not changed
   * @param mesh must stay open as long as calls are made
   * @param options how calls go into the mesh
   * @return makes calls
   */
  public static Call.Factory callFactory(
      OkHttpClient client, MeshClient mesh, MeshCallOptions options) {
    return install(client.newBuilder(), mesh, options).build();
  }

  /**
   * Tells whether a client has the mesh, by {@link #install} or derived from one that has it.
   *
   * @param client the client
   * @return whether it has
   */
  public static boolean isInstalled(OkHttpClient client) {
    return installed(client.interceptors()) != null;
  }

  /**
   * Tells whether the clients of a builder have the mesh.
   *
   * @param builder the builder; not changed
   * @return whether they have
   */
  public static boolean isInstalled(OkHttpClient.Builder builder) {
    return installed(builder.interceptors()) != null;
  }

  private static @Nullable MeshCalls installed(List<Interceptor> interceptors) {
    for (Interceptor interceptor : interceptors) {
      if (interceptor instanceof MeshCalls calls) {
        return calls;
      }
    }
    return null;
  }
}
