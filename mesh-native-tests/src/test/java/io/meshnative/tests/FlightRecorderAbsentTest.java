package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Java runtime without the module of the flight recorder, as {@code jlink} makes them. */
class FlightRecorderAbsentTest {
  @TempDir Path directory;

  /** Goes through everything that would be recorded. */
  public static final class Program {
    public static void main(String[] arguments) throws Exception {
      MeshTestAuthority authority = MeshTestAuthority.create();
      FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
      FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
      try (MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
          MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build()) {
        MeshServerSocket server =
            db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
        webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
        SSLSocket near = web.dial("db");
        SSLSocket far = server.accept();
        dbPlane.issue(authority, "db");
        dbPlane.intentions(
            FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
        System.out.println(
            "recorder "
                + (ModuleLayer.boot().findModule("jdk.jfr").isPresent() ? "present" : "absent")
                + ", cut "
                + far.isClosed()
                + ", over "
                + near.getSession().getProtocol());
      }
    }
  }

  @Test
  void theLibraryWorksWithoutIt() throws Exception {
    Path output = directory.resolve("output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--limit-modules",
                "java.se,jdk.unsupported,jdk.crypto.ec",
                "-classpath",
                System.getProperty("java.class.path"),
                Program.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      assertThat(Files.readString(output)).contains("recorder absent, cut true, over TLSv1.3");
      assertThat(process.exitValue()).isZero();
    } finally {
      process.destroyForcibly();
    }
  }
}
