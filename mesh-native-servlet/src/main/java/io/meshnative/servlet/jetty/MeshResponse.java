package io.meshnative.servlet.jetty;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.servlet.internal.AdmittedRequest;
import java.nio.ByteBuffer;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** A response that can be written as long as the request's right lasts. */
final class MeshResponse extends Response.Wrapper {
  private final AdmittedRequest admitted;

  MeshResponse(Request request, Response response, AdmittedRequest admitted) {
    super(request, response);
    this.admitted = admitted;
  }

  @Override
  public void write(boolean last, @Nullable ByteBuffer content, Callback callback) {
    MeshAuthorizationException withdrawn = admitted.withdrawn();
    if (withdrawn == null) {
      super.write(last, content, callback);
    } else {
      callback.failed(withdrawn);
    }
  }
}
