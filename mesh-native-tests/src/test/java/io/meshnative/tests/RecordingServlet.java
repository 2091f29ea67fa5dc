package io.meshnative.tests;

import io.meshnative.servlet.MeshPeers;
import jakarta.servlet.ServletContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The application in a servlet container. */
final class RecordingServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;
  private final transient RecordingApplication application;
  private final String mapping;

  private RecordingServlet(RecordingApplication application, String mapping) {
    this.application = application;
    this.mapping = mapping;
  }

  /** Maps it to everything, and to {@code /admin} with what is below it. */
  static void install(RecordingApplication application, ServletContext context) {
    context.addServlet("all", new RecordingServlet(application, "/")).addMapping("/");
    context.addServlet("admin", new RecordingServlet(application, "/admin")).addMapping("/admin/*");
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    application.handle(new Shown(request, response, mapping));
  }

  private record Shown(HttpServletRequest request, HttpServletResponse response, String mapping)
      implements RecordingApplication.Exchange {
    @Override
    public String method() {
      return request.getMethod();
    }

    @Override
    public String path() {
      String info = request.getPathInfo();
      return request.getServletPath() + (info == null ? "" : info);
    }

    @Override
    public Map<String, List<String>> headers() {
      Map<String, List<String>> headers = new TreeMap<>();
      for (String name : Collections.list(request.getHeaderNames())) {
        headers.put(name.toLowerCase(Locale.ROOT), Collections.list(request.getHeaders(name)));
      }
      return headers;
    }

    @Override
    public String peer() {
      return MeshPeers.of(request).map(peer -> peer.getName()).orElse(null);
    }

    @Override
    public String principal() {
      return request.getUserPrincipal() == null ? null : request.getUserPrincipal().getName();
    }

    @Override
    public InputStream body() throws IOException {
      return request.getInputStream();
    }

    @Override
    public OutputStream respond(int status, Optional<Integer> length) throws IOException {
      response.setStatus(status);
      length.ifPresent(response::setContentLength);
      return response.getOutputStream();
    }
  }
}
