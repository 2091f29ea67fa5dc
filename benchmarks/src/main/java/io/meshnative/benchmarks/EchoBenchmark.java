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
import org.openjdk.jmh.annotations.TearDown;

/** A message there and back on an established connection. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class EchoBenchmark {
  @Param({"CONSCRYPT", "JSSE"})
  Engine engine;

  @Param({"MESH", "RAW"})
  Wires.Side side;

  @Param({"64", "16384"})
  int bytes;

  private byte[] message;
  private SSLSocket socket;

  /** Connects. */
  @Setup
  public void connect() throws Exception {
    message = new byte[bytes];
    socket = Wires.of(engine, side).connect();
  }

  /** Ends the connection. */
  @TearDown
  public void end() throws Exception {
    socket.close();
  }

  /** A round trip. */
  @Benchmark
  public void echo() throws Exception {
    Wire.roundTrip(socket, message);
  }
}
