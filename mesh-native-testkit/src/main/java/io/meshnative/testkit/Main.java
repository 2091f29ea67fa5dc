package io.meshnative.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Runs an embedded control plane as a program, until it is interrupted:
 *
 * <pre>{@code
 * $ java -cp ... io.meshnative.testkit.Main 18500 --acls --tls certs
 * export CONSUL_HTTP_ADDR=https://127.0.0.1:41874
 * export CONSUL_HTTP_TOKEN=2f0c...
 * export CONSUL_CACERT=certs/agent-ca.pem
 * ...
 * }</pre>
 *
 * <p>A number is the port of plain HTTP. {@code --acls} asks for tokens, with a default of deny;
 * {@code --tls} serves TLS, with files in an existing directory; {@code --verify-incoming} asks for
 * client certificates; {@code --unix} listens on a unix socket; {@code --mimic 1.8} imitates 1.8.
 * Intentions and services are written over HTTP or with the {@code consul} command, as with a real
 * agent.
 */
public final class Main {
  private static final String USAGE =
      "usage: Main [port] [--acls] [--tls directory] [--verify-incoming] [--unix path]"
          + " [--mimic 1.8|1.10]";

  private Main() {}

  /** Starts the plane, prints the lines to put into a shell, and waits. */
  public static void main(String[] arguments) {
    EmbeddedControlPlane.Builder builder = EmbeddedControlPlane.builder();
    boolean tls;
    try {
      tls = read(List.of(arguments), builder);
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage() + System.lineSeparator() + USAGE);
      return;
    }
    try (EmbeddedControlPlane plane = builder.start()) {
      exports(plane, tls).forEach(System.out::println);
      System.out.flush();
      Runtime.getRuntime().addShutdownHook(new Thread(plane::close, "mesh-testkit-close"));
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Reads the arguments. Says whether TLS is among them. */
  private static boolean read(List<String> arguments, EmbeddedControlPlane.Builder builder) {
    boolean tls = false;
    for (Iterator<String> all = arguments.iterator(); all.hasNext(); ) {
      String argument = all.next();
      switch (argument) {
        case "--acls" -> builder.acls(true).defaultAllow(false);
        case "--verify-incoming" -> builder.verifyIncoming(true);
        case "--tls" -> {
          builder.tls(Path.of(value(argument, all)));
          tls = true;
        }
        case "--unix" -> builder.unixSocket(Path.of(value(argument, all)));
        case "--mimic" -> {
          String version = value(argument, all);
          if (!version.equals("1.8") && !version.equals("1.10")) {
            throw new IllegalArgumentException("expected 1.8 or 1.10, found " + version);
          }
          builder.mimic(version.equals("1.8") ? ConsulVersion.V1_8 : ConsulVersion.V1_10);
        }
        default -> builder.port(port(argument));
      }
    }
    return tls;
  }

  private static String value(String option, Iterator<String> rest) {
    if (!rest.hasNext()) {
      throw new IllegalArgumentException("expected a value after " + option + ", found nothing");
    }
    return rest.next();
  }

  private static int port(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("expected a port or an option, found " + text, e);
    }
  }

  private static List<String> exports(EmbeddedControlPlane plane, boolean tls) {
    List<String> lines = new ArrayList<>();
    lines.add("export CONSUL_HTTP_ADDR=" + (tls ? plane.httpsAddress() : plane.httpAddr()));
    if (!plane.token().isEmpty()) {
      lines.add("export CONSUL_HTTP_TOKEN=" + plane.token());
    }
    if (tls) {
      TlsFiles files = plane.tlsFiles();
      lines.add("export CONSUL_CACERT=" + files.caCertificate());
      lines.add("export CONSUL_CLIENT_CERT=" + files.clientCertificate());
      lines.add("export CONSUL_CLIENT_KEY=" + files.clientKey());
    }
    return lines;
  }
}
