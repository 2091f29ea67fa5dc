package io.meshnative.servlet;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRegistration;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * An application with a servlet of every kind of request.
 *
 * <ul>
 *   <li>{@code /show/…} tells what it sees;
 *   <li>{@code /flood} answers for ever, {@code /upload} reads for ever;
 *   <li>{@code /events} answers asynchronously with a first line, and then says nothing more;
 *   <li>{@code /later} dispatches asynchronously, {@code /forward} forwards and {@code /include}
 *       includes {@code /show/inner}; {@code /fail} and what is not there lead to an error page.
 * </ul>
 */
final class TestApplication {
  /** How running requests ended: the exception that they met, or the listener's call. */
  final BlockingQueue<Object> endings = new LinkedBlockingQueue<>();

  /** Which requests have begun to run. */
  final BlockingQueue<String> begun = new LinkedBlockingQueue<>();

  private @Nullable Filter filter;
  private boolean everything = true;

  /** Installs a filter for every path and every kind of dispatch. */
  TestApplication withFilter(Filter first) {
    filter = first;
    return this;
  }

  /** The filter hears of forwarded, included and failed requests only: a mapping gone wrong. */
  TestApplication withFilterForDispatchesOnly(Filter first) {
    everything = false;
    return withFilter(first);
  }

  void install(ServletContext context) {
    Filter first = filter;
    if (first != null) {
      var registration = context.addFilter("mesh", first);
      registration.setAsyncSupported(true);
      registration.addMappingForUrlPatterns(
          everything
              ? EnumSet.allOf(DispatcherType.class)
              : EnumSet.complementOf(EnumSet.of(DispatcherType.REQUEST)),
          false,
          "/*");
    }
    add(context, "show", "/show/*", TestApplication::show);
    add(context, "flood", "/flood", this::flood);
    add(context, "upload", "/upload", this::upload);
    add(context, "events", "/events", this::events);
    add(context, "later", "/later", TestApplication::later);
    add(context, "forward", "/forward", TestApplication::forward);
    add(context, "include", "/include", TestApplication::include);
    add(context, "fail", "/fail", TestApplication::fail);
    add(context, "error", "/error-page", TestApplication::show);
  }

  void errorPage(Consumer<String> container) {
    container.accept("/error-page");
  }

  /** How the next running request ended. */
  Object ending() throws InterruptedException {
    return next(endings);
  }

  /** Which request has begun to run next. */
  String begun() throws InterruptedException {
    return next(begun);
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T value = queue.poll(60, TimeUnit.SECONDS);
    if (value == null) {
      throw new AssertionError("nothing came within a minute");
    }
    return value;
  }

  @FunctionalInterface
  private interface Service {
    void run(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException;
  }

  private static void add(ServletContext context, String name, String path, Service service) {
    ServletRegistration.Dynamic servlet =
        context.addServlet(
            name,
            new HttpServlet() {
              private static final long serialVersionUID = 1L;

              @Override
              protected void service(HttpServletRequest request, HttpServletResponse response)
                  throws ServletException, IOException {
                service.run(request, response);
              }
            });
    servlet.setAsyncSupported(true);
    servlet.addMapping(path);
  }

  private static void show(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    StringBuilder seen = new StringBuilder();
    seen.append("dispatch: ").append(request.getDispatcherType()).append('\n');
    seen.append("protocol: ").append(request.getProtocol()).append('\n');
    seen.append("path: ").append(request.getServletPath());
    seen.append(request.getPathInfo() == null ? "" : request.getPathInfo()).append('\n');
    seen.append("peer: ").append(MeshPeers.of(request).map(Object::toString).orElse("none"));
    seen.append('\n');
    seen.append("attribute: ").append(request.getAttribute(MeshPeers.ATTRIBUTE)).append('\n');
    seen.append("principal: ");
    seen.append(request.getUserPrincipal() == null ? null : request.getUserPrincipal().getName());
    seen.append('\n');
    seen.append("user: ").append(request.getRemoteUser()).append('\n');
    seen.append("auth: ").append(request.getAuthType()).append('\n');
    seen.append("identity headers: ");
    seen.append(
        Collections.list(request.getHeaderNames()).stream()
            .filter(io.meshnative.IdentityHeaders::contains)
            .toList());
    seen.append(Collections.list(request.getHeaders("x-forwarded-client-cert")));
    seen.append(request.getHeader("X-Forwarded-Client-Cert")).append('\n');
    seen.append("kept: ").append(request.getHeader("x-kept")).append('\n');
    if (request.getDispatcherType() == DispatcherType.INCLUDE) {
      response.getWriter().write(seen.toString());
      return;
    }
    response.setContentType("text/plain");
    response.getWriter().write(seen.toString());
  }

  private void flood(HttpServletRequest request, HttpServletResponse response) throws IOException {
    byte[] much = new byte[16 << 10];
    try {
      response.getOutputStream().write(much);
      response.flushBuffer();
      begun.add("flood");
      while (true) {
        response.getOutputStream().write(much);
      }
    } catch (IOException e) {
      endings.add(e);
      throw e;
    }
  }

  private void upload(HttpServletRequest request, HttpServletResponse response) throws IOException {
    byte[] buffer = new byte[8 << 10];
    boolean first = true;
    try {
      while (request.getInputStream().read(buffer) >= 0) {
        if (first) {
          begun.add("upload");
          first = false;
        }
      }
      endings.add("all was read");
    } catch (IOException e) {
      endings.add(e);
      throw e;
    }
  }

  private void events(HttpServletRequest request, HttpServletResponse response) throws IOException {
    AsyncContext async = request.startAsync();
    async.setTimeout(0);
    async.addListener(new Listener());
    response.setContentType("text/event-stream");
    response.getWriter().write("data: first\n\n");
    response.flushBuffer();
    begun.add("events");
  }

  private final class Listener implements AsyncListener {
    /** Jetty calls it only where the response was not aborted. */
    @Override
    public void onComplete(AsyncEvent event) {}

    @Override
    public void onTimeout(AsyncEvent event) {
      endings.add("timeout");
    }

    @Override
    public void onError(AsyncEvent event) {
      endings.add("error");
      event.getAsyncContext().complete();
    }

    @Override
    public void onStartAsync(AsyncEvent event) {}
  }

  private static void later(HttpServletRequest request, HttpServletResponse response) {
    request.startAsync().dispatch("/show/inner");
  }

  private static void forward(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    request.getRequestDispatcher("/show/inner").forward(request, response);
  }

  private static void include(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    response.setContentType("text/plain");
    request.getRequestDispatcher("/show/inner").include(request, response);
  }

  private static void fail(HttpServletRequest request, HttpServletResponse response) {
    throw new IllegalStateException("as asked for");
  }
}
