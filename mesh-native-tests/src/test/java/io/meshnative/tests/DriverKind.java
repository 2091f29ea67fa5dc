package io.meshnative.tests;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;

/** The drivers that speak to MariaDB, each in the oldest and the newest version that we support. */
enum DriverKind {
  MYSQL_NEWEST("jdbc:mysql:", "com.mysql.cj.jdbc.Driver", ""),
  MYSQL_OLDEST("jdbc:mysql:", "com.mysql.cj.jdbc.Driver", "mysql-connector-j-8.0.33.jar"),
  MARIADB_4("jdbc:mariadb:", "org.mariadb.jdbc.Driver", ""),
  MARIADB_3_5("jdbc:mariadb:", "org.mariadb.jdbc.Driver", "mariadb-java-client-3.5.11.jar");

  final String prefix;
  private final String driverClass;
  private final String jar;
  private Driver driver;

  DriverKind(String prefix, String driverClass, String jar) {
    this.prefix = prefix;
    this.driverClass = driverClass;
    this.jar = jar;
  }

  /** Older drivers and our factories for them; all else is the tests' own. */
  private static final class Older extends URLClassLoader {
    private static final List<String> OWN =
        List.of("com.mysql.", "org.mariadb.", "io.meshnative.jdbc.");

    Older(URL[] urls) {
      super(urls, DriverKind.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (OWN.stream().noneMatch(name::startsWith)) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded != null ? loaded : findClass(name);
      }
    }

    /** The services of a driver are its own too. */
    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
      boolean own = OWN.stream().anyMatch(name.replace("META-INF/services/", "")::startsWith);
      return own ? findResources(name) : super.getResources(name);
    }
  }

  boolean isMysql() {
    return prefix.equals("jdbc:mysql:");
  }

  private synchronized Driver driver() throws Exception {
    if (driver == null) {
      ClassLoader loader = DriverKind.class.getClassLoader();
      if (!jar.isEmpty()) {
        Path file = Path.of(System.getProperty("mesh.it.drivers", "target/drivers"), jar);
        if (!Files.exists(file)) {
          throw new IllegalStateException(
              "expected the driver " + file + ", which the build copies");
        }
        List<URL> urls = new ArrayList<>();
        urls.add(file.toUri().toURL());
        urls.add(
            Class.forName("io.meshnative.jdbc.MeshJdbcUrl")
                .getProtectionDomain()
                .getCodeSource()
                .getLocation());
        loader = new Older(urls.toArray(URL[]::new));
      }
      driver = (Driver) Class.forName(driverClass, true, loader).getConstructor().newInstance();
    }
    return driver;
  }

  /** The driver's version, such as 8.0. */
  String version() throws Exception {
    return driver().getMajorVersion() + "." + driver().getMinorVersion();
  }

  /** Connects by a URL for this driver; a MariaDB loads its factory by the thread's loader. */
  Connection connect(String url, Properties properties) throws SQLException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try {
      Driver chosen = driver();
      thread.setContextClassLoader(chosen.getClass().getClassLoader());
      return chosen.connect(url, properties);
    } catch (SQLException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Connects to a service of the mesh. */
  Connection connect(JdbcCast.Caller caller, String rest, Properties more) throws SQLException {
    Properties all = new Properties();
    all.setProperty("user", DatabaseServer.USER);
    all.setProperty("password", DatabaseServer.PASSWORD);
    Stream.of(more).forEach(all::putAll);
    return connect(io.meshnative.jdbc.MeshJdbcUrl.rewrite(prefix + rest, caller.options()), all);
  }

  Connection connect(JdbcCast.Caller caller, String rest) throws SQLException {
    return connect(caller, rest, new Properties());
  }
}
