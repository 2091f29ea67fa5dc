package io.meshnative.benchmarks;

import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Connect, shake hands in full and mutually, prove it by one byte each way, close. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class HandshakeBenchmark {
  @Param({"CONSCRYPT", "JSSE"})
  Engine engine;

  @Param({"MESH", "RAW"})
  Wires.Side side;

  private final byte[] one = new byte[1];
  private Wire wire;

  /** Starts both sides, if they are not yet there. */
  @Setup
  public void start() throws Exception {
    wire = Wires.of(engine, side);
  }

  /** The byte comes back only when the server has let the client in. */
  @Benchmark
  public void handshake() throws Exception {
    try (SSLSocket socket = wire.connect()) {
      Wire.roundTrip(socket, one);
    }
  }
}
