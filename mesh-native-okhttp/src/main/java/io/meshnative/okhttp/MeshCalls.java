package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.ConsulId;
import io.meshnative.okhttp.MeshCallOptions.Border;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.Proxy;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.SSLSession;
import okhttp3.CookieJar;
import okhttp3.Dns;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Leads calls to mesh hosts into the mesh, and keeps all others as they were; neither gets to the
 * other side by a redirect, unless that was opted in to.
 *
 * <p>OkHttp compares the parts to find a pooled connection. They are the same objects for all
 * calls, or equal ones: the name service carries the destination, the TLS part the trust
 * generation.
 */
final class MeshCalls implements Interceptor {
  /** Where a call has no connect timeout. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** As many as OkHttp itself follows. */
  private static final int MAX_CROSSINGS = 20;

  private final MeshClient mesh;
  private final MeshCallOptions options;
  private final MeshHosts hosts;
  private final boolean betweenServices;
  private final Tokens tokens;
  private final TokenSockets sockets;
  private final MeshRoots roots;
  private final Gates.Endpoints endpoints = this::offer;
  private final HostnameVerifier verifier = this::verify;
  private volatile MeshTls tls;

  MeshCalls(MeshClient mesh, MeshCallOptions options) {
    this.mesh = mesh;
    this.options = options;
    this.hosts = options.hosts();
    this.betweenServices = options.redirects().contains(Border.BETWEEN_SERVICES);
    this.tokens = new Tokens(mesh);
    this.sockets = new TokenSockets(tokens);
    this.roots = new MeshRoots(mesh);
    this.tls = new MeshTls(mesh, mesh.trustGeneration());
  }

  boolean isOf(MeshClient client, MeshCallOptions how) {
    return mesh == client && options.equals(how);
  }

  static String described(MeshClient mesh, MeshCallOptions options) {
    return "as "
        + mesh.service()
        + " ("
        + options.hosts()
        + ", redirects "
        + options.redirects()
        + ")";
  }

  /** Returns who calls, and how. */
  @Override
  public String toString() {
    return described(mesh, options);
  }

  @Override
  public Response intercept(Chain chain) throws IOException {
    Request request = chain.request();
    Response prior = null;
    for (int crossings = 0; ; crossings++) {
      Leg leg = new Leg();
      Response response = Redirect.after(prior, proceed(chain, request, leg));
      Redirect crossing = leg.crossing();
      if (crossing == null || response.code() != crossing.code()) {
        return response; // or another interceptor made something else of it
      }
      response.close();
      if (crossings >= MAX_CROSSINGS) {
        throw new ProtocolException("Too many follow-up requests: " + (crossings + 1));
      }
      prior = crossing.asPrior(response);
      request = crossing.follow(request);
    }
  }

  private Response proceed(Chain chain, Request request, Leg leg) throws IOException {
    Request.Builder tagged = request.newBuilder().tag(Leg.class, leg);
    Destination destination = hosts.destination(request.url().host()).orElse(null);
    if (destination == null) {
      return outside(chain, tagged.build());
    }
    if (!request.url().isHttps()) {
      tagged.url(Redirect.secured(request.url()));
    }
    try {
      return inside(chain, tagged.build(), destination);
    } catch (IOException e) {
      throw told(e, leg.reason());
    }
  }

  private Response outside(Chain chain, Request request) throws IOException {
    Proxy proxy = chain.getProxy();
    Chain guarded = chain.withDns(new Gates.Outside(hosts, chain.getDns()));
    if (proxy == null || proxy.type() != Proxy.Type.DIRECT) {
      guarded =
          guarded
              .withProxy(null)
              .withProxySelector(new Gates.Proxies(hosts, proxy, chain.getProxySelector()));
    }
    return guarded.proceed(request);
  }

  private Response inside(Chain chain, Request request, Destination destination)
      throws IOException {
    int connectMillis = chain.connectTimeoutMillis();
    // Here and not in the lookup, which could only say that the host is unknown.
    tokens.pool(destination, connectMillis == 0 ? PATIENCE : Duration.ofMillis(connectMillis));
    Dns names = new Gates.Inside(endpoints, hosts, betweenServices ? null : destination);
    CookieJar jar = chain.getCookieJar();
    return chain
        .withDns(names)
        .withSocketFactory(sockets)
        .withSslSocketFactory(current(), roots)
        .withHostnameVerifier(verifier)
        .withProxy(Proxy.NO_PROXY)
        .withCookieJar(jar == CookieJar.NO_COOKIES ? jar : new HostCookies(jar))
        .proceed(request);
  }

  /** The mesh's own reason, where TLS put its own around it, or HTTP/2 has none at all. */
  private static IOException told(IOException failure, @Nullable MeshException met) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 16; depth++) {
      if (cause instanceof MeshException reason) {
        return reason;
      }
      cause = cause.getCause();
    }
    return met == null || failure instanceof InterruptedIOException ? failure : met;
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

  private List<InetAddress> offer(String host, Destination destination)
      throws UnknownHostException {
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
      return destination.isPresent() && isOneOf(destination.get(), session);
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private boolean isOneOf(Destination destination, SSLSession session) {
    Set<ConsulId.Service> seen = new HashSet<>();
    Set<Destination> targets = new LinkedHashSet<>();
    for (Endpoint endpoint : mesh.endpoints(destination)) {
      if (seen.add(endpoint.identity())) {
        targets.add(tokens.target(destination, endpoint));
      }
    }
    targets.add(destination); // whose endpoints may just have left
    for (Destination target : targets) {
      if (isPeer(target, session)) {
        return true;
      }
    }
    return false;
  }

  private boolean isPeer(Destination target, SSLSession session) {
    try {
      mesh.verifyPeer(session, target);
      return true;
    } catch (PeerIdentityException e) {
      return false;
    }
  }
}
