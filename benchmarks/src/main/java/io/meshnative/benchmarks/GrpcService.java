package io.meshnative.benchmarks;

import io.grpc.Grpc;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSession;

/** The same service on every path, without generated code: it answers, and it streams. */
final class GrpcService {
  /** A message of the unary method, both ways. */
  static final int UNARY_BYTES = 128;

  /** A message of the stream. */
  static final int STREAM_BYTES = 64 * 1024;

  /** How many of them a stream is: 4 MiB in all. */
  static final int STREAM_MESSAGES = 64;

  static final MethodDescriptor<byte[], byte[]> UNARY =
      method("Answer", MethodDescriptor.MethodType.UNARY);
  static final MethodDescriptor<byte[], byte[]> STREAM =
      method("Stream", MethodDescriptor.MethodType.SERVER_STREAMING);

  private static final String NAME = "benchmarks.Service";

  private final byte[] chunk = new byte[STREAM_BYTES];

  /** How the last caller came; null while there was none, and where it came in plaintext. */
  private final AtomicReference<SSLSession> session = new AtomicReference<>();

  private static MethodDescriptor<byte[], byte[]> method(
      String name, MethodDescriptor.MethodType type) {
    return MethodDescriptor.<byte[], byte[]>newBuilder(Bytes.INSTANCE, Bytes.INSTANCE)
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(NAME, name))
        .build();
  }

  ServerServiceDefinition definition() {
    return ServerInterceptors.intercept(
        ServerServiceDefinition.builder(NAME)
            .addMethod(UNARY, ServerCalls.asyncUnaryCall(GrpcService::answer))
            .addMethod(STREAM, ServerCalls.asyncServerStreamingCall(this::stream))
            .build(),
        new Sessions());
  }

  /** Protocol and cipher suite of the last caller. */
  String agreed() {
    SSLSession last = session.get();
    return last == null ? "plaintext" : last.getProtocol() + ", " + last.getCipherSuite();
  }

  private static void answer(byte[] request, StreamObserver<byte[]> response) {
    response.onNext(request);
    response.onCompleted();
  }

  /** As fast as the caller and the connection take it, and no faster. */
  private void stream(byte[] request, StreamObserver<byte[]> response) {
    ServerCallStreamObserver<byte[]> flow = (ServerCallStreamObserver<byte[]>) response;
    flow.setOnReadyHandler(
        new Runnable() {
          private int left = STREAM_MESSAGES;

          @Override
          public void run() {
            while (left > 0 && flow.isReady()) {
              flow.onNext(chunk);
              if (--left == 0) {
                flow.onCompleted();
              }
            }
          }
        });
  }

  private final class Sessions implements ServerInterceptor {
    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
      session.lazySet(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
      return next.startCall(call, headers);
    }
  }

  private enum Bytes implements MethodDescriptor.Marshaller<byte[]> {
    INSTANCE;

    @Override
    public InputStream stream(byte[] value) {
      return new Sized(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** As messages of generated code do, it says how long it is, which saves gRPC a copy. */
  private static final class Sized extends ByteArrayInputStream implements KnownLength {
    Sized(byte[] value) {
      super(value);
    }
  }
}
