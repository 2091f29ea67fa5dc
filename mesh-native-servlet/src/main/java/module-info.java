/** Jakarta Servlet servers as members of a Consul mesh. */
module io.meshnative.servlet {
  requires transitive io.meshnative;
  requires static transitive jakarta.servlet;
  requires static transitive org.jspecify;
}
