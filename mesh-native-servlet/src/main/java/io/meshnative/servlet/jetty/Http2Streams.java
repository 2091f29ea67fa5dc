package io.meshnative.servlet.jetty;

import org.eclipse.jetty.http2.ErrorCode;
import org.eclipse.jetty.http2.HTTP2Connection;
import org.eclipse.jetty.http2.api.Stream;
import org.eclipse.jetty.http2.frames.ResetFrame;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.Callback;

/** Streams of HTTP/2, if that is present. */
final class Http2Streams {
  private Http2Streams() {}

  /** Resets the request's stream; false if it is no HTTP/2. */
  static boolean reset(Connection connection, Request request) {
    // By name first: the classes may be absent, and then nobody speaks HTTP/2.
    return connection.getClass().getName().startsWith("org.eclipse.jetty.http2.")
        && Reset.of(connection, request);
  }

  /** Asks the peer for no new streams on this connection; false if it is no HTTP/2. */
  static boolean goAway(Connection connection) {
    return connection.getClass().getName().startsWith("org.eclipse.jetty.http2.")
        && Reset.goAway(connection);
  }

  private static final class Reset {
    static boolean goAway(Connection connection) {
      if (!(connection instanceof HTTP2Connection http2)) {
        return false;
      }
      var unused = http2.getSession().shutdown(); // what runs goes on to its end
      return true;
    }

    static boolean of(Connection connection, Request request) {
      if (!(connection instanceof HTTP2Connection http2)) {
        return false;
      }
      int id = Integer.parseInt(request.getId());
      Stream stream = http2.getSession().getStream(id);
      if (stream != null) {
        stream.reset(new ResetFrame(id, ErrorCode.CANCEL_STREAM_ERROR.code), Callback.NOOP);
      }
      return true;
    }
  }
}
