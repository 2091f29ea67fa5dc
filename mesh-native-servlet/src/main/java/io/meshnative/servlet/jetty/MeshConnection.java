package io.meshnative.servlet.jetty;

import io.meshnative.MeshClient;
import io.meshnative.servlet.internal.RequestJudge;
import java.io.EOFException;
import javax.net.ssl.SSLSession;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpHeaderValue;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.Request;

/** The connection of a request, below everything that claims something about it. */
record MeshConnection(SSLSession session, EndPoint transport, Connection connection) {
  private static final String TRACKED = "io.meshnative.servlet.tracked";
  private static final String RETIRED = "io.meshnative.servlet.retired";

  /**
   * Finds it.
   *
   * @throws IllegalArgumentException if the request did not come over TLS
   */
  static MeshConnection of(Request request) {
    Connection connection = request.getConnectionMetaData().getConnection();
    if (connection.getEndPoint() instanceof SslConnection.SslEndPoint secure) {
      SslConnection tls = secure.getSslConnection();
      return new MeshConnection(tls.getSSLEngine().getSession(), tls.getEndPoint(), connection);
    }
    throw new IllegalArgumentException(
        "expected a request over TLS, found one over " + connection.getEndPoint());
  }

  /** Closes the transport when the connection's right is withdrawn. */
  void track(MeshClient mesh) {
    if (session.getValue(TRACKED) == null) {
      session.putValue(TRACKED, mesh.track(session, withdrawal -> close()));
    }
  }

  /**
   * Asks the peer to go on over another connection, where this one has grown old. Told once a
   * connection with HTTP/2, with each response of HTTP/1.1.
   */
  void retire(RequestJudge judge, Request request, HttpFields.Mutable answer) {
    if (!judge.isRetiring(session) || request.getHeaders().contains(HttpHeader.UPGRADE)) {
      return;
    }
    if (session.getValue(RETIRED) == null && Http2Streams.goAway(connection)) {
      session.putValue(RETIRED, true);
    } else if (session.getValue(RETIRED) == null) {
      answer.put(HttpHeader.CONNECTION, HttpHeaderValue.CLOSE.asString());
    }
  }

  /** Raw, without close_notify: what was cut off must not look complete. */
  private void close() {
    transport.close(new EOFException("the right of the connection's peer was withdrawn"));
  }

  /** Ends one request whose right is withdrawn; the others of the connection go on. */
  void end(Request request) {
    if (!Http2Streams.reset(connection, request)) {
      close();
    }
  }
}
