package io.meshnative.benchmarks;

import io.meshnative.testkit.EmbeddedControlPlane;
import java.util.EnumMap;
import java.util.Map;
import javax.net.ssl.SSLSocket;

/**
 * The two wires of each engine in this JVM, made once: a comparison goes to and fro between them.
 */
public final class Wires {
  /** Who does TLS. */
  public enum Side {
    /** The library. */
    MESH,
    /** A program by hand. */
    RAW
  }

  private record Both(EmbeddedControlPlane plane, MeshWire mesh, RawWire raw) {}

  private static final Map<Engine, Both> MADE = new EnumMap<>(Engine.class);

  private Wires() {}

  static synchronized Wire of(Engine engine, Side side) throws Exception {
    Both both = MADE.get(engine);
    if (both == null) {
      EmbeddedControlPlane plane = EmbeddedControlPlane.builder().defaultAllow(false).start();
      MeshWire mesh = new MeshWire(plane, engine);
      RawWire raw = new RawWire(plane, engine, mesh.chainLength());
      requireAlike(mesh, raw);
      both = new Both(plane, mesh, raw);
      MADE.put(engine, both);
    }
    return side == Side.MESH ? both.mesh() : both.raw();
  }

  /** Another protocol or cipher suite would make another comparison. */
  private static void requireAlike(Wire mesh, Wire raw) throws Exception {
    try (SSLSocket one = mesh.connect();
        SSLSocket other = raw.connect()) {
      String ours = one.getSession().getProtocol() + " " + one.getSession().getCipherSuite();
      String theirs = other.getSession().getProtocol() + " " + other.getSession().getCipherSuite();
      if (!ours.equals(theirs)) {
        throw new IllegalStateException(
            "expected the same protocol and suite, found " + ours + " and " + theirs);
      }
    }
  }

  /** What was agreed, and on which socket by hand; for the report. */
  static String describe(Engine engine) throws Exception {
    try (SSLSocket socket = of(engine, Side.RAW).connect()) {
      return socket.getSession().getProtocol()
          + ", "
          + socket.getSession().getCipherSuite()
          + ", by hand on "
          + socket.getClass().getName();
    }
  }

  static synchronized void close() throws Exception {
    for (Both both : MADE.values()) {
      long resumed = both.mesh().resumed();
      both.mesh().close();
      both.raw().close();
      both.plane().close();
      if (resumed > 0) {
        throw new IllegalStateException(
            "expected full handshakes only, found " + resumed + " that were resumed");
      }
    }
    MADE.clear();
  }
}
