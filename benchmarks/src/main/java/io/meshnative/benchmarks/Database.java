package io.meshnative.benchmarks;

import io.meshnative.testkit.IssuedCertificate;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A real database with the settings that it comes with, but for its files: what it writes is not
 * forced to the disk. It takes plaintext and TLS, with a certificate made by hand.
 */
final class Database implements AutoCloseable {
  /** What is fetched: {@value} rows. */
  static final int ROWS = 25_000;

  /** The bytes of a row of it. */
  static final int ROW_BYTES = 640;

  private static final long PATIENCE_SECONDS = 120;

  /** Which one. */
  enum Kind {
    POSTGRESQL("PostgreSQL", "jdbc:postgresql:", "initdb", "postgres"),
    MARIADB("MariaDB", "jdbc:mariadb:", "mariadb-install-db", "mariadbd");

    private final String title;
    private final String prefix;
    private final String initializer;
    private final String server;

    Kind(String title, String prefix, String initializer, String server) {
      this.title = title;
      this.prefix = prefix;
      this.initializer = initializer;
      this.server = server;
    }

    String title() {
      return title;
    }
  }

  private final Kind kind;
  private final Path directory;
  private final int port;
  private final Process process;

  private Database(Kind kind, Path directory, int port, Process process) {
    this.kind = kind;
    this.directory = directory;
    this.port = port;
    this.process = process;
  }

  static boolean isThere(Kind kind) {
    return find(kind.initializer).isPresent() && find(kind.server).isPresent();
  }

  /**
   * By {@code -Dmesh.it.postgres=} or {@code -Dmesh.it.mariadb=}, on the PATH, where Debian has.
   */
  private static Optional<Path> find(String binary) {
    String given =
        binary.startsWith("mariadb")
            ? System.getProperty("mesh.it.mariadb", "")
            : System.getProperty("mesh.it.postgres", "");
    List<Path> places = new ArrayList<>();
    if (!given.isBlank()) {
      places.add(Path.of(given));
    }
    Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(Path::of)
        .forEach(places::add);
    places.add(Path.of("/usr/sbin"));
    try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
      versions.map(version -> version.resolve("bin")).sorted().forEach(places::add);
    } catch (IOException e) {
      // None there.
    }
    return places.stream()
        .map(place -> place.resolve(binary))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts one whose TLS, where it is asked for, is by this certificate. */
  static Database start(Kind kind, IssuedCertificate own, X509Certificate root) throws Exception {
    Path directory = Files.createTempDirectory("benchmarks-database");
    own(directory);
    Path certificate = file(directory, "cert.pem", own.certPem());
    Path key = file(directory, "key.pem", own.keyPem());
    Path roots = file(directory, "roots.pem", pem(root));
    int port = Sidecars.reserve();
    List<String> command =
        switch (kind) {
          case POSTGRESQL -> postgres(directory, port, certificate, key, roots);
          case MARIADB -> mariadb(directory, port, certificate, key, roots);
        };
    Database database = new Database(kind, directory, port, launch(directory, command));
    try {
      database.awaitUp();
      if (kind == Kind.POSTGRESQL) {
        database.fill();
      }
      return database;
    } catch (Exception | Error e) {
      database.close();
      throw e;
    }
  }

  private static List<String> postgres(
      Path directory, int port, Path certificate, Path key, Path roots) throws Exception {
    Path data = directory.resolve("data");
    initialize(
        directory,
        List.of(
            find(Kind.POSTGRESQL.initializer).orElseThrow().toString(),
            "--pgdata=" + data,
            "--username=app",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync"));
    return List.of(
        find(Kind.POSTGRESQL.server).orElseThrow().toString(),
        "-D" + data,
        "-p" + port,
        "-clisten_addresses=127.0.0.1",
        "-cunix_socket_directories=",
        "-cdynamic_shared_memory_type=mmap",
        "-cfsync=off",
        "-cssl=on",
        "-cssl_cert_file=" + certificate,
        "-cssl_key_file=" + key,
        "-cssl_ca_file=" + roots);
  }

  private static List<String> mariadb(
      Path directory, int port, Path certificate, Path key, Path roots) throws Exception {
    Path data = directory.resolve("data");
    initialize(
        directory,
        List.of(
            find(Kind.MARIADB.initializer).orElseThrow().toString(),
            "--no-defaults",
            "--datadir=" + data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db"));
    Path init =
        file(
            directory,
            "init.sql",
            "CREATE DATABASE app;\nCREATE USER 'app'@'%';\nGRANT ALL ON app.* TO 'app'@'%';\n");
    return List.of(
        find(Kind.MARIADB.server).orElseThrow().toString(),
        "--no-defaults",
        "--datadir=" + data,
        "--socket=" + directory.resolve("s"),
        "--pid-file=" + directory.resolve("pid"),
        "--bind-address=127.0.0.1",
        "--port=" + port,
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
        "--ssl-cert=" + certificate,
        "--ssl-key=" + key,
        "--ssl-ca=" + roots,
        "--init-file=" + init);
  }

  int port() {
    return port;
  }

  Process process() {
    return process;
  }

  /** The URL of this database for a host and a port, with the user. */
  String url(String where, String more) {
    String database = kind == Kind.POSTGRESQL ? "postgres" : "app";
    return kind.prefix + "//" + where + "/" + database + "?user=app" + more;
  }

  /** The same, without TLS, by a proxy or straight. */
  String plainUrl(int by) {
    return url(
        "127.0.0.1:" + by, kind == Kind.POSTGRESQL ? "&sslmode=disable" : "&sslMode=disable");
  }

  /** The same by the driver's own TLS, which checks the chain; names of hosts are in none. */
  String tlsUrl() {
    String roots = directory.resolve("roots.pem").toString();
    return url(
        "127.0.0.1:" + port,
        kind == Kind.POSTGRESQL
            ? "&sslmode=verify-ca&sslrootcert=" + roots
            : "&sslMode=verify-ca&serverSslCert=" + roots);
  }

  /** PostgreSQL's driver's own TLS with a certificate of the caller. */
  String mutualTlsUrl(IssuedCertificate caller) throws IOException {
    Path certificate = file(directory, "caller.pem", caller.certPem());
    Path key = directory.resolve("caller.pk8");
    Files.write(key, caller.privateKey().getEncoded());
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-------"));
    return tlsUrl() + "&sslcert=" + certificate + "&sslkey=" + key;
  }

  /** What was agreed on this connection's TLS. */
  String agreedSql() {
    return kind == Kind.POSTGRESQL
        ? "SELECT version || ', ' || cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        : "SELECT GROUP_CONCAT(VARIABLE_VALUE ORDER BY VARIABLE_NAME DESC SEPARATOR ', ')"
            + " FROM information_schema.SESSION_STATUS"
            + " WHERE VARIABLE_NAME IN ('SSL_VERSION', 'SSL_CIPHER')";
  }

  private void fill() throws SQLException {
    try (Connection connection = DriverManager.getConnection(plainUrl(port));
        Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE UNLOGGED TABLE bulk AS SELECT i AS id, repeat(md5(i::text), "
              + ROW_BYTES / 32
              + ") AS text FROM generate_series(1, "
              + ROWS
              + ") AS i");
      statement.execute("VACUUM ANALYZE bulk");
    }
  }

  private void awaitUp() throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (true) {
      try (Connection connection = DriverManager.getConnection(plainUrl(port))) {
        return;
      } catch (SQLException e) {
        if (System.nanoTime() > end || !process.isAlive()) {
          throw new IOException(
              "expected a database that takes logins, found: " + log(directory), e);
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  /** Databases refuse to run as root: as root, this one runs as nobody. */
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

  private static void own(Path file) throws IOException {
    if (isRoot()) {
      UserPrincipal nobody =
          file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
      Files.setOwner(file, nobody);
    }
  }

  private static Path file(Path directory, String name, String text) throws IOException {
    Path file = Files.writeString(directory.resolve(name), text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    own(file);
    return file;
  }

  private static String pem(X509Certificate certificate) throws Exception {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
            .encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  private static void initialize(Path directory, List<String> command) throws Exception {
    Process process = launch(directory, command);
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IOException(
          "expected that " + command.get(0) + " ends well, found: " + log(directory));
    }
  }

  /** The end of it. */
  private static String log(Path directory) throws IOException {
    List<String> lines = Files.readAllLines(directory.resolve("server.log"));
    return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
  }

  private static Process launch(Path directory, List<String> command) throws IOException {
    return new ProcessBuilder(unprivileged(command))
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("server.log").toFile()))
        .start();
  }

  /** PostgreSQL waits for its callers when it is told to end kindly. */
  @Override
  public void close() throws Exception {
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
    if (!process.waitFor(5, TimeUnit.SECONDS)) {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    }
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
