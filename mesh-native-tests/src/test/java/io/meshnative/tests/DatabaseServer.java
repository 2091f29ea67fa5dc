package io.meshnative.tests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A real database server, one process on loopback in a directory of its own; ended by {@link
 * #close}. It speaks plain text: the mesh encrypts in front of it.
 */
final class DatabaseServer implements AutoCloseable {
  static final String USER = "app";
  static final String PASSWORD = "s3cret";
  static final String DATABASE = "app";

  /** How to connect without the mesh, once it is up. */
  private final String plainUrl;

  private final Path directory;
  private final List<String> command;
  private final int port;
  private Process process;

  private DatabaseServer(Path directory, List<String> command, int port, String plainUrl)
      throws IOException {
    this.directory = directory;
    this.command = command;
    this.port = port;
    this.plainUrl = plainUrl;
    this.process = launch(command);
  }

  /** PostgreSQL, whose user logs in by SCRAM; it holds one database of the user's name. */
  static DatabaseServer postgres() throws Exception {
    return postgres(List.of());
  }

  /** PostgreSQL with further settings, such as {@code ssl=on}. */
  static DatabaseServer postgres(List<String> settings, Path... secrets) throws Exception {
    Path directory = newPostgres();
    for (Path secret : secrets) {
      own(secret);
    }
    return startPostgres(directory, settings).awaitUp().execute("CREATE DATABASE app");
  }

  /** A PostgreSQL that takes no writes, a standby, until {@code pg_promote()} makes it primary. */
  static DatabaseServer postgresStandby() throws Exception {
    Path directory = newPostgres();
    own(Files.createFile(directory.resolve("data/standby.signal")));
    // Not less than what its data were made with, which a standby insists on.
    return startPostgres(directory, List.of("hot_standby=on", "max_connections=100")).awaitUp();
  }

  /** A directory with an empty database. */
  private static Path newPostgres() throws Exception {
    Path bin = RealPeers.postgres().orElseThrow();
    Path directory = Files.createTempDirectory("mesh-postgres");
    own(directory);
    Path password = Files.writeString(directory.resolve("password"), PASSWORD);
    own(password);
    run(
        directory,
        List.of(
            bin.resolve("initdb").toString(),
            "--pgdata=" + directory.resolve("data"),
            "--username=" + USER,
            "--auth=scram-sha-256",
            "--pwfile=" + password,
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions"));
    return directory;
  }

  private static DatabaseServer startPostgres(Path directory, List<String> settings)
      throws Exception {
    int port = Ports.reserve();
    List<String> command =
        new ArrayList<>(
            List.of(
                RealPeers.postgres().orElseThrow().resolve("postgres").toString(),
                "-D",
                directory.resolve("data").toString(),
                "-p",
                Integer.toString(port)));
    List<String> all =
        new ArrayList<>(
            List.of(
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "fsync=off",
                "max_connections=60",
                "shared_buffers=16MB",
                "dynamic_shared_memory_type=mmap"));
    all.addAll(settings); // of two the later counts
    for (String setting : all) {
      command.add("-c");
      command.add(setting);
    }
    return new DatabaseServer(
        directory,
        command,
        port,
        "jdbc:postgresql://127.0.0.1:" + port + "/postgres?sslmode=disable");
  }

  /** MariaDB with a database and a user for it. */
  static DatabaseServer mariadb() throws Exception {
    Path bin = RealPeers.mariadb().orElseThrow();
    Path directory = Files.createTempDirectory("mesh-mariadb");
    own(directory);
    Path data = directory.resolve("data");
    run(
        directory,
        List.of(
            RealPeers.mariadbInstall().orElseThrow().toString(),
            "--no-defaults",
            "--datadir=" + data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db"));
    Path init =
        Files.writeString(
            directory.resolve("init.sql"),
            "CREATE DATABASE IF NOT EXISTS app;\n"
                + "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 's3cret';\n"
                // It looks at others, and makes users, as an administrator does.
                + "GRANT ALL ON *.* TO 'app'@'%' WITH GRANT OPTION;\n");
    own(init);
    int port = Ports.reserve();
    List<String> command =
        List.of(
            bin.resolve("mariadbd").toString(),
            "--no-defaults",
            "--datadir=" + data,
            "--socket=" + directory.resolve("s"),
            "--pid-file=" + directory.resolve("pid"),
            "--bind-address=127.0.0.1",
            "--port=" + port,
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=16M",
            "--max-connections=60",
            "--init-file=" + init);
    return new DatabaseServer(
            directory, command, port, "jdbc:mariadb://127.0.0.1:" + port + "/app?sslMode=disable")
        .awaitUp();
  }

  /**
   * PostgreSQL refuses to run as root, and MariaDB wants to be told: as root, both run as nobody
   * who matters.
   */
  private static List<String> unprivileged(List<String> command) {
    if (!isRoot()) {
      return command;
    }
    List<String> whole =
        new ArrayList<>(
            List.of("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"));
    whole.addAll(command);
    return whole;
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }

  /** Gives a file to the user that the server runs as, and nobody else. */
  static void own(Path file) throws IOException {
    if (isRoot()) {
      UserPrincipal nobody =
          file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
      Files.setOwner(file, nobody);
    }
  }

  private static void run(Path directory, List<String> command) throws Exception {
    Path log = directory.resolve("init.log");
    Process process =
        new ProcessBuilder(unprivileged(command))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean done = process.waitFor(300, TimeUnit.SECONDS);
    if (!done || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(
          command.get(0) + (done ? " failed: " : " hung: ") + Files.readString(log));
    }
  }

  private Process launch(List<String> command) throws IOException {
    return new ProcessBuilder(unprivileged(command))
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("server.log").toFile()))
        .start();
  }

  private DatabaseServer awaitUp() throws Exception {
    try {
      Awaitility.await("a database that takes logins")
          .atMost(Duration.ofSeconds(180))
          .ignoreExceptions()
          .until(() -> {
            if (!process.isAlive()) {
              return true;
            }
            try (java.sql.Connection connection = connect()) {
              return connection.isValid(60);
            }
          });
      if (!process.isAlive()) {
        throw new IllegalStateException("the process has ended");
      }
      return this;
    } catch (RuntimeException e) {
      String log = Files.readString(directory.resolve("server.log"));
      close();
      throw new IOException("the database did not start: " + log, e);
    }
  }

  private DatabaseServer execute(String sql) throws Exception {
    try (java.sql.Connection connection = connect();
        java.sql.Statement statement = connection.createStatement()) {
      statement.execute(sql);
      return this;
    } catch (java.sql.SQLException e) {
      close();
      throw e;
    }
  }

  /** A connection without the mesh, to look at the server from beside. */
  java.sql.Connection connect() throws java.sql.SQLException {
    return java.sql.DriverManager.getConnection(plainUrl, USER, PASSWORD);
  }

  int port() {
    return port;
  }

  /** Ends the server as a crash does. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Starts it again after {@link #kill}. */
  void startAgain() throws Exception {
    process = launch(command);
    awaitUp();
  }

  /** Children end with their parent, by its own doing where it is asked kindly. */
  @Override
  public void close() throws Exception {
    // PostgreSQL: a fast shutdown. MariaDB takes it for a terminate, too.
    if (process.isAlive()) {
      new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
      if (!process.waitFor(5, TimeUnit.SECONDS)) {
        process.destroy();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
          process.destroyForcibly().waitFor();
        }
      }
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
