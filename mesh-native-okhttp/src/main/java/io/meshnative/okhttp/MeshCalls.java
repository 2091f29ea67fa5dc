package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSession;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Leads calls to mesh hosts into the mesh, and keeps all others as they were; neither gets to the
 * other side by a redirect.
 *
 * <p>The parts are the same objects for all calls, since OkHttp compares them to find a pooled
 * connection; the TLS part changes with the trust generation.
 */
final class MeshCalls implements Interceptor {
  /** Where a call has no connect timeout. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final MeshClient mesh;
  private final MeshHosts hosts;
  private final Tokens tokens;
  private final TokenSockets sockets;
  private final MeshRoots roots;
  private final Dns inside = this::endpoints;
  private final HostnameVerifier verifier = this::verify;
  private volatile MeshTls tls;

  MeshCalls(MeshClient mesh, MeshHosts hosts) {
    this.mesh = mesh;
    this.hosts = hosts;
    this.tokens = new Tokens(mesh);
    this.sockets = new TokenSockets(tokens);
    this.roots = new MeshRoots(mesh);
    this.tls = new MeshTls(mesh, mesh.trustGeneration());
  }

  @Override
  public Response intercept(Chain chain) throws IOException {
    Request request = chain.request();
    Destination destination = hosts.destination(request.url().host()).orElse(null);
    if (destination == null) {
      return chain.withDns(new Outside(hosts, chain.getDns())).proceed(request);
    }
    int connectMillis = chain.connectTimeoutMillis();
    // Here and not in the lookup, which could only say that the host is unknown.
    mesh.endpointPool(
        destination, connectMillis == 0 ? PATIENCE : Duration.ofMillis(connectMillis));
    try {
      return chain
          .withDns(inside)
          .withSocketFactory(sockets)
          .withSslSocketFactory(current(), roots)
          .withHostnameVerifier(verifier)
          .withProxy(Proxy.NO_PROXY)
          .proceed(secured(request));
    } catch (IOException e) {
      throw told(e);
    }
  }

  /** The mesh's own reason, where TLS or HTTP/2 put theirs around it. */
  private static IOException told(IOException failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 16; depth++) {
      if (cause instanceof MeshException reason) {
        return reason;
      }
      cause = cause.getCause();
    }
    return failure;
  }

  private MeshTls current() {
    long generation = mesh.trustGeneration();
    MeshTls held = tls;
    if (held.generation() == generation) {
      return held;
    }
    MeshTls newer = new MeshTls(mesh, generation);
    tls = newer; // two that meet here make two pools of one generation; neither is wrong
    return newer;
  }

  /** In the mesh, http means TLS too. */
  static Request secured(Request request) {
    HttpUrl url = request.url();
    return url.isHttps()
        ? request
        : request.newBuilder().url(url.newBuilder().scheme("https").build()).build();
  }

  private List<InetAddress> endpoints(String host) throws UnknownHostException {
    Destination destination =
        hosts
            .destination(host)
            .orElseThrow(() ->
                new UnknownHostException(
                    "expected a redirect of a mesh service to stay in the mesh, found \""
                        + host
                        + "\"; it is not followed"));
    try {
      return tokens.offer(host, destination, PATIENCE);
    } catch (UnknownHostException e) {
      throw e;
    } catch (IOException e) {
      UnknownHostException unknown = new UnknownHostException(e.getMessage());
      unknown.initCause(e);
      throw unknown;
    }
  }

  /**
   * The last word on a new connection, after TLS had its own: the session's peer is whom one of the
   * host's endpoints must be. OkHttp asks for resumed sessions too, and shares no HTTP/2 connection
   * between hosts where the verifier is not its own.
   */
  private boolean verify(String host, SSLSession session) {
    try {
      Optional<Destination> destination = hosts.destination(host);
      if (destination.isEmpty()) {
        return false;
      }
      Set<Destination> targets = new LinkedHashSet<>();
      for (Endpoint endpoint : mesh.endpoints(destination.get())) {
        targets.add(tokens.target(destination.get(), endpoint));
      }
      targets.add(destination.get()); // whose endpoints may just have left
      for (Destination target : targets) {
        try {
          mesh.verifyPeer(session, target);
          return true;
        } catch (PeerIdentityException e) {
          continue;
        }
      }
      return false;
    } catch (UnknownHostException e) {
      return false;
    }
  }

  /** DNS for calls that are not to the mesh: a redirect does not get them in. */
  private record Outside(MeshHosts hosts, Dns dns) implements Dns {
    @Override
    public List<InetAddress> lookup(String host) throws UnknownHostException {
      if (hosts.destination(host).isPresent()) {
        throw new UnknownHostException(
            "expected a redirect from outside the mesh to stay outside, found \""
                + host
                + "\"; it is not followed");
      }
      return dns.lookup(host);
    }
  }

  /**
   * Runs for each request on the wire, redirected ones too: nothing but TLS goes to the mesh, and
   * services that take themselves for plain HTTP, as they do behind a sidecar, redirect to TLS.
   */
  record Wire(MeshHosts hosts) implements Interceptor {
    @Override
    public Response intercept(Chain chain) throws IOException {
      Request request = chain.request();
      if (hosts.destination(request.url().host()).isEmpty()) {
        return chain.proceed(request);
      }
      if (!request.url().isHttps()) {
        throw new java.net.ProtocolException(
            "expected https to the mesh, found a redirect to " + request.url().redact());
      }
      Response response = chain.proceed(request);
      String location = response.header("Location");
      HttpUrl next = location == null ? null : request.url().resolve(location);
      if (next == null || next.isHttps() || hosts.destination(next.host()).isEmpty()) {
        return response;
      }
      HttpUrl secured = next.newBuilder().scheme("https").build();
      return response.newBuilder().header("Location", secured.toString()).build();
    }
  }
}
