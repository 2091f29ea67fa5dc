/**
 * Jakarta Servlet servers as members of a Consul mesh.
 *
 * <p>Jetty and Tomcat are optional. Tomcat's embedded jar carries the Servlet API's packages
 * itself, and no descriptor can require both it and {@code jakarta.servlet}: on the module path
 * Tomcat needs {@code --add-reads io.meshnative.servlet=org.apache.tomcat.embed.core}; on the class
 * path nothing.
 */
module io.meshnative.servlet {
  requires transitive io.meshnative;
  requires static transitive jakarta.servlet;
  requires static transitive org.jspecify;
  requires static transitive org.eclipse.jetty.server;
  requires static org.eclipse.jetty.http2.server;
  requires static org.eclipse.jetty.security;

  exports io.meshnative.servlet;
  exports io.meshnative.servlet.jetty;
  exports io.meshnative.servlet.tomcat;
}
