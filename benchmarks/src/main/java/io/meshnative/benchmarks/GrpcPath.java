package io.meshnative.benchmarks;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A way from a channel in this JVM to a gRPC server in this JVM.
 *
 * @param name for the table
 * @param channel with one connection
 * @param call what is called, again and again
 * @param others the processes in between
 */
record GrpcPath(String name, Channel channel, GrpcCall call, List<Process> others)
    implements CallPath {
  private static final byte[] REQUEST = new byte[GrpcService.UNARY_BYTES];

  /** What a call is. */
  enum GrpcCall {
    /** One message there, the same back. */
    UNARY,
    /** One message there, {@value GrpcService#STREAM_MESSAGES} long ones back. */
    STREAM
  }

  @Override
  public void call(int patienceMillis) throws IOException {
    CallOptions options =
        patienceMillis == 0
            ? CallOptions.DEFAULT
            : CallOptions.DEFAULT.withDeadlineAfter(patienceMillis, TimeUnit.MILLISECONDS);
    try {
      switch (call) {
        case UNARY -> unary(options);
        case STREAM -> stream(options);
      }
    } catch (StatusRuntimeException e) {
      throw new IOException("expected an answer over " + name + ", found " + e.getStatus(), e);
    }
  }

  private void unary(CallOptions options) throws IOException {
    byte[] answer = ClientCalls.blockingUnaryCall(channel, GrpcService.UNARY, options, REQUEST);
    require(GrpcService.UNARY_BYTES, answer.length);
  }

  private void stream(CallOptions options) throws IOException {
    Iterator<byte[]> answers =
        ClientCalls.blockingServerStreamingCall(channel, GrpcService.STREAM, options, REQUEST);
    int messages = 0;
    while (answers.hasNext()) {
      require(GrpcService.STREAM_BYTES, answers.next().length);
      messages++;
    }
    require(GrpcService.STREAM_MESSAGES, messages);
  }

  private void require(int expected, int found) throws IOException {
    if (expected != found) {
      throw new IOException("expected " + expected + " over " + name + ", found " + found);
    }
  }
}
