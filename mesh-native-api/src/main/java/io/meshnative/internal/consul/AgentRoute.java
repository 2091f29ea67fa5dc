package io.meshnative.internal.consul;

import io.meshnative.consul.ConsulAddress;
import io.meshnative.consul.ConsulConfig;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;

/**
 * The way to one agent.
 *
 * @param shown its address, for messages
 * @param http makes the calls
 * @param base the URL of its API
 * @param host what the header {@code Host} says instead of the URL's host; null: that host
 */
record AgentRoute(String shown, OkHttpClient http, HttpUrl base, @Nullable String host) {
  private static final Logger LOG = System.getLogger(AgentRoute.class.getName());
  private static final String LOCALHOST = "localhost";

  /**
   * Makes a route.
   *
   * @param address where the agent listens
   * @param shared the client whose limits, connections and threads all routes share
   * @param tls how to speak TLS; null where no route does
   * @param framing watches connections without TLS
   */
  static AgentRoute of(
      ConsulAddress address,
      ConsulConfig config,
      OkHttpClient shared,
      @Nullable AgentTls tls,
      FramingGuard framing) {
    boolean unix = address.scheme() == ConsulAddress.Scheme.UNIX;
    boolean secure = config.usesTls(address);
    OkHttpClient.Builder builder = shared.newBuilder();
    String dialled = unix ? LOCALHOST : address.host();
    String host = dialled;
    if (secure && tls != null) {
      builder.sslSocketFactory(tls.sockets(), tls.trust());
      if (!config.verify()) {
        LOG.log(
            Level.WARNING,
            "The certificate of the Consul agent at {0} is not verified (CONSUL_HTTP_SSL_VERIFY):"
                + " whoever answers there hands out identities and policy.",
            address);
        builder.hostnameVerifier((name, session) -> true);
      }
      // The URL bears the name that is to be proven, in SNI and certificate; only its address comes
      // from CONSUL_HTTP_ADDR.
      host = config.tlsServerName().orElse(dialled);
    }
    HttpUrl.Builder base = new HttpUrl.Builder().scheme(secure ? "https" : "http").host(host);
    if (unix) {
      builder.socketFactory(
          new UnixSockets(
              Path.of(address.path()), secure ? UnaryOperator.identity() : framing::over));
      builder.dns(name -> List.of(InetAddress.getLoopbackAddress()));
      base.addPathSegment("v1");
    } else {
      if (!secure) {
        builder.socketFactory(framing.sockets());
      }
      if (!host.equals(dialled)) {
        builder.dns(name -> List.of(InetAddress.getAllByName(dialled)));
      }
      base.port(address.port());
      base.addPathSegments(address.path().isEmpty() ? "v1" : address.path().substring(1) + "/v1");
    }
    return new AgentRoute(
        address.toString(), builder.build(), base.build(), unix ? LOCALHOST : null);
  }
}
