package io.meshnative.servlet.tomcat;

import io.meshnative.IdentityHeaders;
import io.meshnative.MeshPeer;
import io.meshnative.servlet.internal.AdmittedRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Map;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.RequestFacade;
import org.jspecify.annotations.Nullable;

/**
 * A request with its peer as principal. Only the application is shown it: Tomcat's authenticators
 * would take somebody whom they did not authenticate for their own.
 */
final class MeshTomcatRequest extends Request {
  MeshTomcatRequest(Connector connector, org.apache.coyote.Request coyote) {
    super(connector, coyote);
  }

  @Override
  public HttpServletRequest getRequest() {
    if (facade == null) {
      facade = new Facade(this);
    }
    return super.getRequest();
  }

  @Override
  public Map<String, String> getTrailerFields() {
    return IdentityHeaders.stripped(super.getTrailerFields());
  }

  private @Nullable MeshPeer peer() {
    return getCoyoteRequest().getAttribute(AdmittedRequest.ATTRIBUTE)
            instanceof AdmittedRequest admitted
        ? admitted.peer()
        : null;
  }

  private static final class Facade extends RequestFacade {
    Facade(MeshTomcatRequest request) {
      super(request);
    }

    private @Nullable MeshPeer peer() {
      return super.getUserPrincipal() == null ? ((MeshTomcatRequest) request).peer() : null;
    }

    @Override
    public @Nullable Principal getUserPrincipal() {
      MeshPeer peer = peer();
      return peer == null ? super.getUserPrincipal() : peer;
    }

    @Override
    public @Nullable String getRemoteUser() {
      MeshPeer peer = peer();
      return peer == null ? super.getRemoteUser() : peer.getName();
    }

    @Override
    public @Nullable String getAuthType() {
      return peer() == null ? super.getAuthType() : CLIENT_CERT_AUTH;
    }
  }
}
