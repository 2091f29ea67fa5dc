package io.meshnative.okhttp;

import io.meshnative.okhttp.MeshCallOptions.Border;
import java.io.IOException;
import java.net.ProtocolException;
import java.util.Set;
import okhttp3.Connection;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Runs for each request on the wire, redirected ones too. Holds that what goes to a mesh host goes
 * over mesh TLS, whatever other interceptors made of the call; and sees redirects before OkHttp
 * does.
 */
record MeshWire(MeshCallOptions options) implements Interceptor {
  private static final String NOT_FOLLOWED = "; it is not followed";

  @Override
  public Response intercept(Chain chain) throws IOException {
    Request request = chain.request();
    if (options.hosts().destination(request.url().host()).isPresent()) {
      requireMeshTls(chain.connection(), request);
    }
    Response response = proceed(chain, request);
    Redirect redirect;
    try {
      redirect = Redirect.of(response, options.hosts());
      if (redirect == null || !chain.getFollowRedirects()) {
        return response;
      }
      if (redirect.border().isEmpty()) {
        return secured(response, redirect);
      }
      if (redirect.changesScheme() && !chain.getFollowSslRedirects()) {
        return response;
      }
      Leg leg = request.tag(Leg.class);
      require(redirect, leg);
      if (leg == null || redirect.isBeyond(request)) {
        return response;
      }
      leg.crosses(redirect);
    } catch (IOException | RuntimeException e) {
      response.close();
      throw e;
    }
    // OkHttp itself would follow it with what belongs to this side; and no cache may keep it so.
    return response
        .newBuilder()
        .removeHeader("Location")
        .header("Cache-Control", "no-store")
        .build();
  }

  /** OkHttp decides by the failure itself whether to try again: it stays as it is. */
  private static Response proceed(Chain chain, Request request) throws IOException {
    Leg leg = request.tag(Leg.class);
    if (leg != null) {
      leg.begins();
    }
    try {
      return chain.proceed(request);
    } catch (IOException e) {
      Connection connection = chain.connection();
      if (leg != null && connection != null && connection.socket() instanceof PooledSocket socket) {
        leg.failsFor(socket.reason());
      }
      throw e;
    }
  }

  private static void requireMeshTls(@Nullable Connection connection, Request request)
      throws ProtocolException {
    if (!request.url().isHttps()
        || connection == null
        || !(connection.route().address().sslSocketFactory() instanceof MeshTls)) {
      throw new ProtocolException(
          "expected mesh TLS to "
              + request.url().host()
              + ", found another connection: an interceptor or authenticator led a call there that"
              + " was not made to the mesh");
    }
  }

  /**
   * A service that takes itself for plain HTTP, as those behind sidecars do, redirects to {@code
   * http} where it means itself.
   */
  private Response secured(Response response, Redirect redirect) throws IOException {
    if (options.hosts().destination(redirect.to().host()).isEmpty()) {
      return response;
    }
    return response.newBuilder().header("Location", redirect.to().toString()).build();
  }

  private void require(Redirect redirect, @Nullable Leg leg) throws ProtocolException {
    Border border = redirect.border().orElseThrow();
    Set<Border> open = options.redirects();
    if (open.contains(border) && leg != null) {
      return;
    }
    String expected =
        switch (border) {
          case OUT_OF_MESH -> "expected a redirect of a mesh service to stay in the mesh";
          case INTO_MESH -> "expected a redirect from outside the mesh to stay outside";
          case BETWEEN_SERVICES -> "expected a redirect of a mesh service to lead back to itself";
        };
    throw new ProtocolException(
        expected
            + ", found one from "
            + redirect.from().host()
            + " to "
            + redirect.to().host()
            + NOT_FOLLOWED
            + (open.contains(border)
                ? ": another interceptor made a request without the tags of the call's"
                : " unless MeshCallOptions.withRedirects says " + border));
  }
}
