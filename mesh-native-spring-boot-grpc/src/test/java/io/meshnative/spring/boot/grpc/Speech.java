package io.meshnative.spring.boot.grpc;

import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.grpc.MeshGrpc;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A service of texts, so that tests need no generated code. */
final class Speech implements BindableService {
  static final Duration GUARD = Duration.ofSeconds(60);

  /** Answers with the same word. */
  static final MethodDescriptor<String, String> SAY = method("Say", MethodType.UNARY);

  /** Answers with the name of the service that calls, or with {@code nobody}. */
  static final MethodDescriptor<String, String> WHO = method("Who", MethodType.UNARY);

  /** Never answers. */
  static final MethodDescriptor<String, String> WAIT = method("Wait", MethodType.UNARY);

  /** Answers each word with the same. */
  static final MethodDescriptor<String, String> CHAT = method("Chat", MethodType.BIDI_STREAMING);

  /** Nobody serves it. */
  static final MethodDescriptor<String, String> NONE = method("None", MethodType.UNARY);

  static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName("test.Speech", name))
        .setRequestMarshaller(Text.INSTANCE)
        .setResponseMarshaller(Text.INSTANCE)
        .build();
  }

  @Override
  public ServerServiceDefinition bindService() {
    return ServerServiceDefinition.builder("test.Speech")
        .addMethod(SAY, ServerCalls.asyncUnaryCall((word, answer) -> answer(answer, word)))
        .addMethod(
            WHO,
            ServerCalls.asyncUnaryCall((word, answer) -> {
              var peer = MeshGrpc.PEER.get();
              answer(answer, peer == null ? "nobody" : peer.service().service());
            }))
        .addMethod(WAIT, ServerCalls.asyncUnaryCall((word, answer) -> {}))
        .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(Echo::new))
        .build();
  }

  private static void answer(StreamObserver<String> answer, String word) {
    answer.onNext(word);
    answer.onCompleted();
  }

  static String call(Channel channel, MethodDescriptor<String, String> method, String word) {
    return ClientCalls.blockingUnaryCall(
        channel, method, CallOptions.DEFAULT.withDeadlineAfter(GUARD), word);
  }

  /** How a call ends. */
  static Status.Code end(Channel channel, MethodDescriptor<String, String> method) {
    try {
      call(channel, method, "x");
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private record Echo(StreamObserver<String> answer) implements StreamObserver<String> {
    @Override
    public void onNext(String word) {
      answer.onNext(word);
    }

    @Override
    public void onError(Throwable failure) {
      // The caller has gone.
    }

    @Override
    public void onCompleted() {
      answer.onCompleted();
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
