/** Databases behind a Consul mesh. */
module io.meshnative.jdbc {
  requires transitive io.meshnative;
  requires transitive java.sql;
  requires static transitive org.jspecify;
}
