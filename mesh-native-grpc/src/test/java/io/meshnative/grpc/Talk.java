package io.meshnative.grpc;

import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;

/**
 * A service with a method of each kind. It answers with its own name in front, so that a test sees
 * who has answered.
 */
final class Talk {
  static final MethodDescriptor<String, String> SAY = method("Say", MethodType.UNARY);
  static final MethodDescriptor<String, String> COUNT =
      method("Count", MethodType.SERVER_STREAMING);
  static final MethodDescriptor<String, String> GATHER =
      method("Gather", MethodType.CLIENT_STREAMING);
  static final MethodDescriptor<String, String> CHAT = method("Chat", MethodType.BIDI_STREAMING);

  private Talk() {}

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName("test.Talk", name))
        .setRequestMarshaller(Text.INSTANCE)
        .setResponseMarshaller(Text.INSTANCE)
        .build();
  }

  static ServerServiceDefinition as(String name) {
    return ServerServiceDefinition.builder("test.Talk")
        .addMethod(
            SAY,
            ServerCalls.asyncUnaryCall((said, answer) -> {
              answer.onNext(name + ": " + said);
              answer.onCompleted();
            }))
        .addMethod(
            COUNT,
            ServerCalls.asyncServerStreamingCall((to, answer) -> {
              for (int i = 1; i <= Integer.parseInt(to); i++) {
                answer.onNext(name + ": " + i);
              }
              answer.onCompleted();
            }))
        .addMethod(
            GATHER, ServerCalls.asyncClientStreamingCall(answer -> new Gathering(name, answer)))
        .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(answer -> new Echoing(name, answer)))
        .build();
  }

  private record Echoing(String name, StreamObserver<String> answer)
      implements StreamObserver<String> {
    @Override
    public void onNext(String said) {
      answer.onNext(name + ": " + said);
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

  private static final class Gathering implements StreamObserver<String> {
    private final String name;
    private final StreamObserver<String> answer;
    private final List<String> all = new ArrayList<>();

    Gathering(String name, StreamObserver<String> answer) {
      this.name = name;
      this.answer = answer;
    }

    @Override
    public void onNext(String said) {
      all.add(said);
    }

    @Override
    public void onError(Throwable failure) {
      // The caller has gone.
    }

    @Override
    public void onCompleted() {
      answer.onNext(name + ": " + String.join("+", all));
      answer.onCompleted();
    }
  }
}
