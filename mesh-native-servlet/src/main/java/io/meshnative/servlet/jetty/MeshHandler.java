package io.meshnative.servlet.jetty;

import io.meshnative.HttpRefusal;
import io.meshnative.servlet.MeshPeers;
import io.meshnative.servlet.internal.AdmittedRequest;
import io.meshnative.servlet.internal.Verdict;
import io.meshnative.servlet.internal.WireRequest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpHeaderValue;
import org.eclipse.jetty.http.HttpURI;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;

/** Judges the requests of the mesh's connectors; stands at the root of the server. */
final class MeshHandler extends Handler.Wrapper {

  private MeshHandler() {}

  /** Puts the handler first, unless it is; does nothing where the server runs already. */
  static void atRootOf(Server server) {
    Handler root = server.getHandler();
    if (!(root instanceof MeshHandler) && !server.isStarted()) {
      MeshHandler handler = new MeshHandler();
      handler.setHandler(root);
      server.setHandler(handler);
    }
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (!(request.getConnectionMetaData().getConnector() instanceof MeshJettyConnector connector)) {
      return super.handle(request, response, callback);
    }
    Verdict verdict = judge(connector, request);
    if (verdict instanceof Verdict.Refused refused) {
      refuse(request, response, callback, refused);
      return true;
    }
    MeshConnection.of(request).retire(connector.judge(), request, response.getHeaders());
    return serve((AdmittedRequest) verdict, request, response, callback);
  }

  private static Verdict judge(MeshJettyConnector connector, Request request) {
    if (UriCompliance.checkUriCompliance(UriCompliance.DEFAULT, request.getHttpURI(), null)
        != null) {
      return new Verdict.Refused(new HttpRefusal(400, HttpRefusal.MALFORMED), true);
    }
    return connector
        .judge()
        .judge(
            mesh -> {
              MeshConnection.of(request).track(mesh);
              return mesh.peer(MeshConnection.of(request).session());
            },
            wire(request));
  }

  /**
   * The request as handlers see it: after the connector's customizers, which may have changed it.
   */
  private static WireRequest wire(Request request) {
    HttpURI uri = request.getHttpURI();
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (HttpField field : request.getHeaders()) {
      headers
          .computeIfAbsent(field.getName(), name -> new ArrayList<>(1))
          .add(field.getValue() == null ? "" : field.getValue());
    }
    List<String> hosts = request.getHeaders().getValuesList(HttpHeader.HOST);
    String authority = uri.getAuthority();
    if (hosts.isEmpty() && authority != null && isHttp2(request)) {
      hosts = List.of(authority);
    }
    return new WireRequest(request.getMethod(), target(request, uri), hosts, headers);
  }

  private static boolean isHttp2(Request request) {
    return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2;
  }

  private static String target(Request request, HttpURI uri) {
    // HTTP/2 has the authority elsewhere: there the target is the path.
    String target = isHttp2(request) ? uri.getPathQuery() : uri.toString();
    return target == null ? "" : target;
  }

  private static void refuse(
      Request request, Response response, Callback callback, Verdict.Refused refused) {
    HttpRefusal answer = refused.answer();
    response.setStatus(answer.status());
    response.getHeaders().put(HttpRefusal.HEADER, answer.id());
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, HttpRefusal.CONTENT_TYPE);
    response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
    if (refused.close() && !isHttp2(request)) {
      response.getHeaders().put(HttpHeader.CONNECTION, HttpHeaderValue.CLOSE.asString());
    }
    ByteBuffer body = ByteBuffer.wrap(answer.body().getBytes(StandardCharsets.UTF_8));
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.remaining());
    response.write(true, body, callback);
  }

  private boolean serve(
      AdmittedRequest admitted, Request request, Response response, Callback callback)
      throws Exception {
    request.setAttribute(AdmittedRequest.ATTRIBUTE, admitted);
    request.setAttribute(MeshPeers.ATTRIBUTE, admitted.peer());
    MeshRequest guarded = new MeshRequest(request, admitted);
    MeshResponse answer = new MeshResponse(guarded, response, admitted);
    JettyPrincipals.set(guarded, admitted.peer());
    admitted.onWithdrawn(reason -> {
      MeshConnection.of(request).end(request);
      guarded.fail(reason);
    });
    boolean handled = false;
    try {
      Callback ending = new Ending(admitted, request, response, callback);
      // The default handler too is given what was judged, by us and not by the server after us.
      Handler others = getServer().getDefaultHandler();
      handled =
          super.handle(guarded, answer, ending)
              || (others != null && others.handle(guarded, answer, ending));
    } finally {
      if (!handled) {
        admitted.end();
      }
    }
    var withdrawn = admitted.withdrawn();
    if (withdrawn != null) {
      guarded.fail(withdrawn); // who became asynchronous after the first time did not hear of it
    }
    return handled;
  }

  /** Ends the lease with the response; that of a connection which goes on as another, never. */
  private static final class Ending extends Callback.Nested {
    private final AdmittedRequest admitted;
    private final Request request;
    private final Response response;

    Ending(AdmittedRequest admitted, Request request, Response response, Callback callback) {
      super(callback);
      this.admitted = admitted;
      this.request = request;
      this.response = response;
    }

    private void end() {
      int status = response.getStatus();
      boolean tunnel =
          status == 101 || ("CONNECT".equals(request.getMethod()) && status / 100 == 2);
      if (!tunnel) {
        admitted.end();
      }
    }

    /** What was cut off must not look complete, whatever its application makes of the exception. */
    @Override
    public void succeeded() {
      end();
      var withdrawn = admitted.withdrawn();
      if (withdrawn == null) {
        super.succeeded();
      } else {
        super.failed(withdrawn);
      }
    }

    @Override
    public void failed(Throwable failure) {
      end();
      super.failed(failure);
    }
  }
}
