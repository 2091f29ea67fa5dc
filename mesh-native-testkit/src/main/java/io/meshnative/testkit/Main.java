package io.meshnative.testkit;

import java.util.concurrent.CountDownLatch;

/**
 * Runs an embedded control plane as a program, until it is interrupted:
 *
 * <pre>{@code
 * $ java -cp ... io.meshnative.testkit.Main
 * export CONSUL_HTTP_ADDR=127.0.0.1:41873
 * }</pre>
 *
 * <p>The first argument, if any, is the port. Intentions and services are written over HTTP, as
 * with a real agent.
 */
public final class Main {
  private Main() {}

  /** Starts the plane, prints the line to put into a shell, and waits. */
  public static void main(String[] arguments) {
    int port;
    try {
      port = arguments.length == 0 ? 0 : Integer.parseInt(arguments[0]);
    } catch (NumberFormatException e) {
      System.err.println("usage: Main [port], where the port is a number, not " + arguments[0]);
      return;
    }
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().port(port).start()) {
      System.out.println("export CONSUL_HTTP_ADDR=" + plane.httpAddr());
      System.out.flush();
      Runtime.getRuntime().addShutdownHook(new Thread(plane::close, "mesh-testkit-close"));
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
