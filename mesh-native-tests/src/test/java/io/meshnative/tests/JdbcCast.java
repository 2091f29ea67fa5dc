package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.jdbc.MeshJdbcOptions;
import io.meshnative.jdbc.MeshJdbcUrl;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import java.util.UUID;

/** A caller of the mesh whose name drivers find, and what tests of all drivers ask of it. */
final class JdbcCast {
  private JdbcCast() {}

  /** The client of a service, registered under a name of its own until the cast is closed. */
  record Caller(MeshClient mesh, String name) {
    MeshJdbcOptions options() {
      return MeshJdbcOptions.defaults().withClient(name);
    }

    /** Connects by the URL of a database whose host is a service. */
    Connection connect(String url) throws SQLException {
      return connect(url, new Properties());
    }

    Connection connect(String url, Properties more) throws SQLException {
      Properties all = new Properties();
      all.setProperty("user", DatabaseServer.USER);
      all.setProperty("password", DatabaseServer.PASSWORD);
      all.putAll(more);
      return DriverManager.getConnection(MeshJdbcUrl.rewrite(url, options()), all);
    }
  }

  static Caller caller(Cast cast, String service) throws Exception {
    return register(cast, cast.client(service));
  }

  static Caller register(Cast cast, MeshClient mesh) {
    String name = mesh.service() + "-" + UUID.randomUUID();
    cast.keep(MeshClients.register(name, mesh)::close);
    return new Caller(mesh, name);
  }

  static String one(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  /** The causes of an exception, itself first. */
  static java.util.List<Throwable> chain(Throwable thrown) {
    java.util.List<Throwable> chain = new java.util.ArrayList<>();
    for (Throwable cause = thrown; cause != null && chain.size() < 20; cause = cause.getCause()) {
      chain.add(cause);
    }
    return chain;
  }

  /** A piece of work. */
  interface Work {
    void run() throws Exception;
  }

  /** What a piece of work ends with, on a thread of its own; null for an orderly end. */
  static java.util.concurrent.CompletableFuture<Throwable> ending(Work work) {
    return Background.supply(() -> {
      try {
        work.run();
        return null;
      } catch (Throwable e) {
        return e;
      }
    });
  }

  /** What ended it is told, whatever the driver made of it. */
  static void isWithdrawn(Throwable thrown) {
    isWithdrawn("the end", thrown);
  }

  static void isWithdrawn(String what, Throwable thrown) {
    assertThat(thrown).as(what).isInstanceOf(SQLException.class);
    assertThat(chain(thrown))
        .as("%s: the reason among the causes", what)
        .anySatisfy(cause -> assertThat(cause).isInstanceOf(MeshAuthorizationException.class));
  }
}
