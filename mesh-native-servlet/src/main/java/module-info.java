/**
 * Jakarta Servlet servers as members of a Consul mesh.
 *
 * <p>Jetty and Tomcat are optional. Tomcat's embedded jar carries the Servlet API's packages
 * itself, and no descriptor can require both it and {@code jakarta.servlet}: on the module path
 * Tomcat needs {@code --add-reads io.meshnative.servlet=org.apache.tomcat.embed.core}, of {@code
 * javac} and of {@code java}; on the class path nothing. An application requires its container's
 * module itself: one that was passed on would have to be there with any container.
 */
module io.meshnative.servlet {
  requires transitive io.meshnative;
  requires static jakarta.servlet;
  requires static transitive org.jspecify;
  requires static org.eclipse.jetty.server;
  requires static org.eclipse.jetty.http2.server;
  requires static org.eclipse.jetty.security;

  exports io.meshnative.servlet;
  exports io.meshnative.servlet.jetty;
  exports io.meshnative.servlet.tomcat;
}
