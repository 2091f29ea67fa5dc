package io.meshnative.tests;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshGrpc;
import io.meshnative.grpc.MeshServerBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A gRPC service of texts in the mesh. {@code Who} answers with its caller's name, {@code Talk}
 * answers each word of a stream with the same.
 */
final class GrpcLetters implements AutoCloseable {
  static final String WHO = "test.Letters/Who";
  static final String TALK = "test.Letters/Talk";

  final AtomicInteger entered = new AtomicInteger();
  final AtomicInteger cancelled = new AtomicInteger();
  private final Server server;

  private GrpcLetters(MeshClient mesh) throws IOException {
    server =
        MeshServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0), mesh)
            .addService(service())
            .build()
            .start();
  }

  static GrpcLetters of(MeshClient mesh) throws IOException {
    return new GrpcLetters(mesh);
  }

  int port() {
    return server.getPort();
  }

  Server server() {
    return server;
  }

  private ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("test.Letters")
        .addMethod(
            method(WHO, MethodType.UNARY),
            ServerCalls.asyncUnaryCall((String word, StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              answer.onNext(MeshGrpc.PEER.get().service().service());
              answer.onCompleted();
            }))
        .addMethod(
            method(TALK, MethodType.BIDI_STREAMING),
            ServerCalls.asyncBidiStreamingCall((StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              return new StreamObserver<String>() {
                @Override
                public void onNext(String word) {
                  answer.onNext(word);
                }

                @Override
                public void onError(Throwable failure) {
                  cancelled.incrementAndGet();
                }

                @Override
                public void onCompleted() {
                  answer.onCompleted();
                }
              };
            }))
        .build();
  }

  @Override
  public void close() throws Exception {
    server.shutdownNow();
    if (!server.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("expected the server to end, found it running");
    }
  }

  // ---- what callers do ----

  static String who(Channel channel) {
    return unary(channel, WHO);
  }

  static String unary(Channel channel, String name) {
    return ClientCalls.blockingUnaryCall(
        channel,
        method(name, MethodType.UNARY),
        CallOptions.DEFAULT.withDeadlineAfter(Cast.GUARD.toSeconds(), TimeUnit.SECONDS),
        "a word");
  }

  /** How a unary call ends. */
  static Status end(Channel channel, String name) {
    try {
      String unused = unary(channel, name);
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder(Text.INSTANCE, Text.INSTANCE)
        .setType(type)
        .setFullMethodName(name)
        .build();
  }

  /** A stream of {@link #TALK} as its caller holds it. */
  static final class Talk extends ClientCall.Listener<String> {
    final Queue<String> came = new ConcurrentLinkedQueue<>();
    final CompletableFuture<Status> ended = new CompletableFuture<>();
    final ClientCall<String, String> call;
    private volatile long endedNanos;

    Talk(Channel channel, String first) {
      call = channel.newCall(method(TALK, MethodType.BIDI_STREAMING), CallOptions.DEFAULT);
      call.start(this, new Metadata());
      call.request(1);
      call.sendMessage(first);
    }

    @Override
    public void onMessage(String word) {
      came.add(word);
      call.request(1);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      endedNanos = System.nanoTime();
      ended.complete(status);
    }

    Status end() throws Exception {
      return ended.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
    }

    /** By {@link System#nanoTime}; of one that has ended. */
    long endedNanos() {
      return endedNanos;
    }
  }

  private enum Text implements MethodDescriptor.Marshaller<String> {
    INSTANCE;

    @Override
    public InputStream stream(String text) {
      return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream bytes) {
      try {
        return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
