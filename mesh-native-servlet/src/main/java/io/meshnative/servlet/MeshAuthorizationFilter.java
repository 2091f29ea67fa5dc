package io.meshnative.servlet;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshClient;
import io.meshnative.servlet.internal.AdmittedRequest;
import io.meshnative.servlet.internal.RequestJudge;
import io.meshnative.servlet.internal.Verdict;
import io.meshnative.servlet.internal.WireRequest;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Enforces intentions down to methods, paths and headers in any servlet container, by the Servlet
 * API alone. Embedded Jetty and Tomcat have connectors that do the same below their containers, see
 * {@code MeshJettyConnector} and {@code MeshTomcatConnector}; behind those the filter lets through
 * what they have admitted, and nothing else.
 *
 * <pre>{@code
 * FilterRegistration.Dynamic mesh = context.addFilter("mesh", new MeshAuthorizationFilter(client));
 * mesh.setAsyncSupported(true);
 * mesh.addMappingForUrlPatterns(EnumSet.allOf(DispatcherType.class), false, "/*");
 * }</pre>
 *
 * <p>A request of the network is judged once, by its raw target, when it comes ({@link
 * DispatcherType#REQUEST}). What it is forwarded to, includes, dispatches asynchronously or fails
 * into goes through on the same right; a dispatch of a request that was never admitted is refused.
 * The caller is found by the certificate that the container tells ({@code
 * jakarta.servlet.request.X509Certificate}), which must have been proven on a live connection of
 * the mesh client. Refused requests get 403, or 400 where they have a second reading, with a {@link
 * HttpRefusal}.
 *
 * <p>The application is given the peer as a request attribute and as the principal, and no header
 * by which a caller could claim an identity. When the right of a running request is withdrawn, its
 * reads and writes throw {@link io.meshnative.MeshAuthorizationException}, and an asynchronous one
 * is completed.
 *
 * <p><b>Limits.</b> A filter cannot see what no context takes, nor know that it is the first; the
 * Servlet API does not tell, so the filter <em>never arms a gate</em>. Whoever hands {@code
 * serverContext(gate)} to another container arms the gate once it has proved that the filter is
 * mapped first, to every path and every kind of dispatch; until then peers with layer-7 intentions
 * are refused at the handshake. It cannot end a connection that becomes another protocol either, so
 * it refuses upgrades.
 *
 * <p>Thread-safe.
 */
public final class MeshAuthorizationFilter implements Filter {
  /** The id of the refusal of a dispatch whose request was never admitted. */
  public static final String NOT_ADMITTED = "not-admitted";

  /** The id of the refusal of an upgrade that could not be ended. */
  public static final String UPGRADE = "upgrade";

  private static final String CERTIFICATES = "jakarta.servlet.request.X509Certificate";

  private final RequestJudge judge;

  /**
   * Makes a filter.
   *
   * @param mesh the client whose engines the container's connections run on; must stay open as long
   *     as the filter is used
   */
  public MeshAuthorizationFilter(MeshClient mesh) {
    this.judge = new RequestJudge(Objects.requireNonNull(mesh, "mesh"));
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    if (!(request instanceof HttpServletRequest http)
        || !(response instanceof HttpServletResponse answer)) {
      throw new ServletException("expected a request of HTTP, found " + request.getClass());
    }
    if (request.getAttribute(AdmittedRequest.ATTRIBUTE) instanceof AdmittedRequest admitted) {
      admitted.requireRight();
      chain.doFilter(request, response);
      return;
    }
    if (request.getDispatcherType() != DispatcherType.REQUEST) {
      refuse(answer, new HttpRefusal(403, NOT_ADMITTED), true);
      return;
    }
    Verdict verdict = judge.judge(mesh -> mesh.peer(certificate(http)), wire(http));
    if (verdict instanceof Verdict.Refused refused) {
      refuse(answer, refused.answer(), refused.close());
      return;
    }
    AdmittedRequest admitted = (AdmittedRequest) verdict;
    if (http.getHeader("Upgrade") != null || http.getMethod().equals("CONNECT")) {
      admitted.end();
      refuse(answer, new HttpRefusal(403, UPGRADE), true);
      return;
    }
    serve(admitted, http, answer, chain);
  }

  private static void serve(
      AdmittedRequest admitted,
      HttpServletRequest request,
      HttpServletResponse response,
      FilterChain chain)
      throws IOException, ServletException {
    request.setAttribute(AdmittedRequest.ATTRIBUTE, admitted);
    request.setAttribute(MeshPeers.ATTRIBUTE, admitted.peer());
    AdmittedServletResponse guarded = new AdmittedServletResponse(response, admitted);
    AdmittedServletRequest shown = new AdmittedServletRequest(request, guarded, admitted);
    boolean goesOn = false;
    try {
      chain.doFilter(shown, guarded);
      goesOn = request.isAsyncStarted();
    } finally {
      if (goesOn) {
        AsyncEnd.of(request.getAsyncContext(), admitted);
      } else {
        admitted.end();
      }
    }
  }

  private static X509Certificate certificate(HttpServletRequest request) {
    if (request.getAttribute(CERTIFICATES) instanceof X509Certificate[] chain && chain.length > 0) {
      return chain[0];
    }
    throw new IllegalArgumentException(
        "expected a client certificate in the attribute " + CERTIFICATES + ", found none");
  }

  private static WireRequest wire(HttpServletRequest request) {
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (String name : Collections.list(request.getHeaderNames())) {
      headers.put(name, Collections.list(request.getHeaders(name)));
    }
    List<String> hosts = Collections.list(request.getHeaders("Host"));
    if (hosts.isEmpty() && request.getProtocol().startsWith("HTTP/2")) {
      hosts = List.of(request.getServerName() + ":" + request.getServerPort());
    }
    String query = request.getQueryString();
    String path = String.valueOf(request.getRequestURI());
    return new WireRequest(
        request.getMethod(), query == null ? path : path + "?" + query, hosts, headers);
  }

  private static void refuse(HttpServletResponse response, HttpRefusal answer, boolean close)
      throws IOException {
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    response.setStatus(answer.status());
    response.setHeader(HttpRefusal.HEADER, answer.id());
    response.setHeader("Cache-Control", "no-store");
    response.setContentType(HttpRefusal.CONTENT_TYPE);
    response.setContentLength(body.length);
    if (close) {
      response.setHeader("Connection", "close");
    }
    response.getOutputStream().write(body);
  }
}
