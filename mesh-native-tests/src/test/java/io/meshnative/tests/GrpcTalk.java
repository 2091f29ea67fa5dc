package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A gRPC service of text with a method of each kind, and its callers. */
final class GrpcTalk {
  static final String SERVICE = "test.Talk";
  static final MethodDescriptor<String, String> SAY = method("Say", MethodType.UNARY);
  static final MethodDescriptor<String, String> COUNT =
      method("Count", MethodType.SERVER_STREAMING);
  static final MethodDescriptor<String, String> GATHER =
      method("Gather", MethodType.CLIENT_STREAMING);
  static final MethodDescriptor<String, String> CHAT = method("Chat", MethodType.BIDI_STREAMING);

  private GrpcTalk() {}

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .setRequestMarshaller(Text.INSTANCE)
        .setResponseMarshaller(Text.INSTANCE)
        .build();
  }

  private enum Text implements MethodDescriptor.Marshaller<String> {
    INSTANCE;

    @Override
    public InputStream stream(String value) {
      return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream stream) {
      try {
        return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** The service; it answers with the name of the instance in front. */
  static ServerServiceDefinition as(String name) {
    return ServerServiceDefinition.builder(SERVICE)
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
            GATHER, ServerCalls.asyncClientStreamingCall(answer -> new Hearing(name, answer, true)))
        .addMethod(
            CHAT, ServerCalls.asyncBidiStreamingCall(answer -> new Hearing(name, answer, false)))
        .build();
  }

  /** The server's end of a stream. */
  private static final class Hearing implements StreamObserver<String> {
    private final String name;
    private final StreamObserver<String> answer;
    private final boolean gathers;
    private final List<String> all = new ArrayList<>();

    Hearing(String name, StreamObserver<String> answer, boolean gathers) {
      this.name = name;
      this.answer = answer;
      this.gathers = gathers;
    }

    @Override
    public void onNext(String said) {
      if (gathers) {
        all.add(said);
      } else {
        answer.onNext(name + ": " + said);
      }
    }

    @Override
    public void onError(Throwable failure) {
      // The caller has gone.
    }

    @Override
    public void onCompleted() {
      if (gathers) {
        answer.onNext(name + ": " + String.join("+", all));
      }
      answer.onCompleted();
    }
  }

  // ---- callers ----

  private static CallOptions patient() {
    return CallOptions.DEFAULT.withDeadlineAfter(Cast.GUARD);
  }

  static String say(Channel channel, String text) {
    return ClientCalls.blockingUnaryCall(channel, SAY, patient(), text);
  }

  /** How a call ends. */
  static Status status(Channel channel) {
    try {
      String unused = say(channel, "x");
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  /** Calls each method. */
  static void talk(Channel channel, String name) throws Exception {
    assertThat(say(channel, "hello")).isEqualTo(name + ": hello");
    List<String> counted = new ArrayList<>();
    ClientCalls.blockingServerStreamingCall(channel, COUNT, patient(), "3")
        .forEachRemaining(counted::add);
    assertThat(counted).containsExactly(name + ": 1", name + ": 2", name + ": 3");
    Caller gathering = new Caller();
    StreamObserver<String> giving =
        ClientCalls.asyncClientStreamingCall(channel.newCall(GATHER, patient()), gathering);
    giving.onNext("a");
    giving.onNext("b");
    giving.onCompleted();
    assertThat(gathering.next()).isEqualTo(name + ": a+b");
    assertThat(gathering.end().getCode()).isEqualTo(Status.Code.OK);
    Caller chatting = chat(channel);
    chatting.say("one");
    assertThat(chatting.next()).isEqualTo(name + ": one");
    chatting.say("two");
    assertThat(chatting.next()).isEqualTo(name + ": two");
    chatting.hangUp();
    assertThat(chatting.end().getCode()).isEqualTo(Status.Code.OK);
  }

  static Caller chat(Channel channel) {
    Caller caller = new Caller();
    caller.out =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(CHAT, CallOptions.DEFAULT), caller);
    return caller;
  }

  /** The caller's end of a stream. */
  static final class Caller implements StreamObserver<String> {
    private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
    private final CompletableFuture<Status> end = new CompletableFuture<>();
    private StreamObserver<String> out;

    @Override
    public void onNext(String message) {
      messages.add(message);
    }

    @Override
    public void onError(Throwable failure) {
      end.complete(Status.fromThrowable(failure));
    }

    @Override
    public void onCompleted() {
      end.complete(Status.OK);
    }

    void say(String text) {
      out.onNext(text);
    }

    void hangUp() {
      out.onCompleted();
    }

    String next() throws InterruptedException {
      String message = messages.poll(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
      assertThat(message).as("a message, or the end: %s", end).isNotNull();
      return message;
    }

    Status end() throws Exception {
      return end.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
    }
  }
}
