package io.meshnative.servlet.tomcat;

import io.meshnative.HttpRefusal;
import io.meshnative.IdentityHeaders;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.servlet.internal.AdmittedRequest;
import io.meshnative.servlet.internal.RequestJudge;
import io.meshnative.servlet.internal.Verdict;
import io.meshnative.servlet.internal.WireRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLSession;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Adapter;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.buf.MessageBytes;
import org.apache.tomcat.util.http.MimeHeaders;
import org.apache.tomcat.util.net.SSLSupport;
import org.apache.tomcat.util.net.SocketEvent;

/** Judges each request before Tomcat's containers see it. */
final class MeshAdapter implements Adapter {
  private static final String TRACKED = "io.meshnative.servlet.tracked";

  private final Adapter containers;
  private final MeshClient mesh;
  private final RequestJudge judge;
  private final MeshEndpoint endpoint;

  MeshAdapter(Adapter containers, MeshClient mesh, RequestJudge judge, MeshEndpoint endpoint) {
    this.containers = containers;
    this.mesh = mesh;
    this.judge = judge;
    this.endpoint = endpoint;
  }

  @Override
  public void service(Request request, Response response) throws Exception {
    if (response.getStatus() >= 400 || response.isError()) {
      // The protocol has refused it. Error pages are code of applications: not theirs to see.
      refuse(request, response, refusedByProtocol(response.getStatus()));
      return;
    }
    strip(request.getMimeHeaders());
    Verdict verdict = judge.judge(asked -> peer(request), wire(request));
    if (verdict instanceof Verdict.Refused refused) {
      refuse(request, response, refused);
      return;
    }
    request.scheme().setString("https"); // whatever HTTP/2's :scheme claims
    Exchange exchange = new Exchange((AdmittedRequest) verdict, request, response);
    SSLSession session = session(request);
    exchange.begin(() -> endpoint.cut(session));
    if (!isHttp2(request)
        && request.getMimeHeaders().getHeader("Upgrade") == null
        && mesh.isRetiring(session)) {
      response.setHeader("Connection", "close"); // Tomcat heeds it
    }
    try {
      containers.service(request, response);
    } finally {
      exchange.dispatched();
    }
  }

  @Override
  public boolean asyncDispatch(Request request, Response response, SocketEvent event)
      throws Exception {
    Exchange exchange = Exchange.of(request);
    if (exchange == null) {
      throw new IllegalStateException("expected an admitted request, found one that never was");
    }
    try {
      return containers.asyncDispatch(request, response, event);
    } finally {
      exchange.dispatched();
    }
  }

  // ---- who and what ----

  private MeshPeer peer(Request request) throws MeshAuthorizationException {
    SSLSession session = session(request);
    if (session.getValue(TRACKED) == null) {
      session.putValue(TRACKED, mesh.track(session, withdrawal -> endpoint.cut(session)));
    }
    return mesh.peer(session);
  }

  private static SSLSession session(Request request) {
    if (!(request.getAttribute(SSLSupport.SESSION_MGR) instanceof MeshEndpoint.Session)) {
      request.action(ActionCode.REQ_SSL_ATTRIBUTE, request);
    }
    if (request.getAttribute(SSLSupport.SESSION_MGR) instanceof MeshEndpoint.Session tls) {
      return tls.session();
    }
    throw new IllegalArgumentException("expected a request over TLS of the mesh, found another");
  }

  private static void strip(MimeHeaders headers) {
    for (int i = headers.size() - 1; i >= 0; i--) {
      if (IdentityHeaders.contains(headers.getName(i).toString())) {
        headers.removeHeader(i);
      }
    }
  }

  private static WireRequest wire(Request request) {
    MimeHeaders fields = request.getMimeHeaders();
    Map<String, List<String>> headers = new LinkedHashMap<>();
    List<String> hosts = new ArrayList<>(1);
    for (int i = 0; i < fields.size(); i++) {
      String name = fields.getName(i).toString();
      MessageBytes value = fields.getValue(i);
      headers
          .computeIfAbsent(name, key -> new ArrayList<>(1))
          .add(value.isNull() ? "" : value.toString());
      if (name.equalsIgnoreCase("host")) {
        hosts.add(value.toString());
      }
    }
    if (hosts.isEmpty() && isHttp2(request) && !request.serverName().isNull()) {
      int port = request.getServerPort();
      hosts.add(request.serverName() + (port < 0 ? "" : ":" + port));
    }
    return new WireRequest(String.valueOf(request.getMethod()), target(request), hosts, headers);
  }

  private static String target(Request request) {
    String path = request.requestURI().isNull() ? "" : request.requestURI().toString();
    return request.queryString().isNull() ? path : path + "?" + request.queryString();
  }

  private static boolean isHttp2(Request request) {
    return request.protocol().equals("HTTP/2.0");
  }

  // ---- refusing ----

  private static Verdict.Refused refusedByProtocol(int status) {
    return new Verdict.Refused(new HttpRefusal(status, HttpRefusal.MALFORMED), true);
  }

  private void refuse(Request request, Response response, Verdict.Refused refused)
      throws IOException {
    HttpRefusal answer = refused.answer();
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    response.setStatus(answer.status());
    response.setHeader(HttpRefusal.HEADER, answer.id());
    response.setHeader("Cache-Control", "no-store");
    response.setContentType(HttpRefusal.CONTENT_TYPE);
    response.setContentLength(body.length);
    if (refused.close() && !isHttp2(request)) {
      response.setHeader("Connection", "close");
    }
    if (!"HEAD".equals(request.getMethod())) {
      response.doWrite(ByteBuffer.wrap(body));
    }
    containers.log(request, response, 0);
  }

  // ---- what is Tomcat's own ----

  @Override
  public boolean prepare(Request request, Response response) throws Exception {
    return containers.prepare(request, response);
  }

  @Override
  public void log(Request request, Response response, long time) {
    containers.log(request, response, time);
  }

  @Override
  public void checkRecycled(Request request, Response response) {
    containers.checkRecycled(request, response);
  }

  @Override
  public String getDomain() {
    return containers.getDomain();
  }
}
