package io.meshnative.servlet;

import io.meshnative.IdentityHeaders;
import io.meshnative.servlet.internal.AdmittedRequest;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpUpgradeHandler;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.Collections;
import java.util.Enumeration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request with its peer as principal, without headers that claim an identity. */
final class AdmittedServletRequest extends HttpServletRequestWrapper {
  private final HttpServletResponse response;
  private final AdmittedRequest admitted;
  private @Nullable ServletInputStream stream;
  private @Nullable BufferedReader reader;

  AdmittedServletRequest(
      HttpServletRequest request, HttpServletResponse response, AdmittedRequest admitted) {
    super(request);
    this.response = response;
    this.admitted = admitted;
  }

  // ---- who ----

  @Override
  public Principal getUserPrincipal() {
    Principal own = super.getUserPrincipal();
    return own == null ? admitted.peer() : own;
  }

  @Override
  public String getRemoteUser() {
    return getUserPrincipal().getName();
  }

  @Override
  public String getAuthType() {
    String own = super.getAuthType();
    return own == null ? CLIENT_CERT_AUTH : own;
  }

  // ---- headers ----

  @Override
  public @Nullable String getHeader(String name) {
    return IdentityHeaders.contains(name) ? null : super.getHeader(name);
  }

  @Override
  public Enumeration<String> getHeaders(String name) {
    return IdentityHeaders.contains(name) ? Collections.emptyEnumeration() : super.getHeaders(name);
  }

  @Override
  public Enumeration<String> getHeaderNames() {
    return Collections.enumeration(
        Collections.list(super.getHeaderNames()).stream()
            .filter(name -> !IdentityHeaders.contains(name))
            .toList());
  }

  @Override
  public long getDateHeader(String name) {
    return IdentityHeaders.contains(name) ? -1 : super.getDateHeader(name);
  }

  @Override
  public int getIntHeader(String name) {
    return IdentityHeaders.contains(name) ? -1 : super.getIntHeader(name);
  }

  @Override
  public Map<String, String> getTrailerFields() {
    return IdentityHeaders.stripped(super.getTrailerFields());
  }

  // ---- what goes on ----

  /** With what the application sees: the request and the response below have no guard. */
  @Override
  public AsyncContext startAsync() {
    return super.startAsync(this, response);
  }

  @Override
  public <T extends HttpUpgradeHandler> T upgrade(Class<T> handler) throws IOException {
    throw new IOException(
        "expected no upgrade behind MeshAuthorizationFilter, which could not end it; use the mesh's"
            + " connector of the container");
  }

  @Override
  public ServletInputStream getInputStream() throws IOException {
    ServletInputStream guarded = stream;
    if (guarded == null) {
      guarded = new Guarded(super.getInputStream(), admitted);
      stream = guarded;
    }
    return guarded;
  }

  @Override
  public BufferedReader getReader() throws IOException {
    BufferedReader guarded = reader;
    if (guarded == null) {
      String encoding = getCharacterEncoding();
      guarded =
          new BufferedReader(
              new InputStreamReader(
                  getInputStream(),
                  encoding == null ? StandardCharsets.ISO_8859_1 : Charset.forName(encoding)));
      reader = guarded;
    }
    return guarded;
  }

  private static final class Guarded extends ServletInputStream {
    private final ServletInputStream in;
    private final AdmittedRequest admitted;

    Guarded(ServletInputStream in, AdmittedRequest admitted) {
      this.in = in;
      this.admitted = admitted;
    }

    @Override
    public int read() throws IOException {
      admitted.requireRight();
      int read = in.read();
      admitted.requireRight();
      return read;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      admitted.requireRight();
      int read = in.read(bytes, offset, length);
      admitted.requireRight();
      return read;
    }

    @Override
    public int available() throws IOException {
      return in.available();
    }

    @Override
    public boolean isFinished() {
      return in.isFinished();
    }

    @Override
    public boolean isReady() {
      return in.isReady();
    }

    @Override
    public void setReadListener(ReadListener listener) {
      in.setReadListener(listener);
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
