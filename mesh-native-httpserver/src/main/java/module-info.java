/** The JDK's HTTP server as a member of a Consul mesh. */
module io.meshnative.httpserver {
  requires transitive io.meshnative;
  requires transitive jdk.httpserver;
  requires static transitive org.jspecify;

  exports io.meshnative.httpserver;
}
