/**
 * Databases behind a Consul mesh.
 *
 * <p>Each driver and the pool are there or not at run time: only the class of the driver in use is
 * ever loaded. Connector/J has no module name of its own; on the module path it is {@code
 * mysql.connector.j}, after its file. MariaDB's module keeps the type of its socket factories to
 * itself: there, run with {@code --add-exports
 * org.mariadb.jdbc/org.mariadb.jdbc.util=io.meshnative.jdbc}.
 */
module io.meshnative.jdbc {
  requires transitive io.meshnative;
  requires transitive java.sql;
  requires com.squareup.moshi;
  requires okhttp3;
  requires okio;
  requires static com.zaxxer.hikari;
  requires static mysql.connector.j;
  requires static org.mariadb.jdbc;
  requires static transitive org.jspecify;

  exports io.meshnative.jdbc;
}
