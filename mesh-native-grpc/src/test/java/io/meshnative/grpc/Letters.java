package io.meshnative.grpc;

import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A service of each kind of method. {@code Say} answers a word with the same, {@code Tell} answers
 * with as many as were asked for, {@code Hear} counts, {@code Talk} answers each.
 */
final class Letters {
  static final String SAY = "test.Letters/Say";
  static final String WHO = "test.Letters/Who";
  static final String TALK = "test.Letters/Talk";
  static final String TELL = "test.Letters/Tell";
  static final String HEAR = "test.Letters/Hear";

  /** How often a handler of any method was entered. */
  final AtomicInteger entered = new AtomicInteger();

  /** How many streams a handler was told are cancelled. */
  final AtomicInteger cancelled = new AtomicInteger();

  /** What callers sent into streams. */
  final Queue<String> heard = new ConcurrentLinkedQueue<>();

  ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("test.Letters")
        .addMethod(
            Words.unary(SAY),
            ServerCalls.asyncUnaryCall((String word, StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              answer.onNext(word);
              answer.onCompleted();
            }))
        .addMethod(
            Words.unary(WHO),
            ServerCalls.asyncUnaryCall((String word, StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              answer.onNext(MeshGrpc.PEER.get().service().service());
              answer.onCompleted();
            }))
        .addMethod(
            Words.method(TELL, io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING),
            ServerCalls.asyncServerStreamingCall((String first, StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              watch(answer);
              answer.onNext(first);
            }))
        .addMethod(
            Words.method(HEAR, io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING),
            ServerCalls.asyncClientStreamingCall((StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              watch(answer);
              return new Listening(answer, false);
            }))
        .addMethod(
            Words.bidi(TALK),
            ServerCalls.asyncBidiStreamingCall((StreamObserver<String> answer) -> {
              entered.incrementAndGet();
              watch(answer);
              return new Listening(answer, true);
            }))
        .build();
  }

  private void watch(StreamObserver<String> answer) {
    ((ServerCallStreamObserver<String>) answer).setOnCancelHandler(cancelled::incrementAndGet);
  }

  private final class Listening implements StreamObserver<String> {
    private final StreamObserver<String> answer;
    private final boolean each;
    private int count;

    Listening(StreamObserver<String> answer, boolean each) {
      this.answer = answer;
      this.each = each;
    }

    @Override
    public void onNext(String word) {
      count++;
      heard.add(word);
      if (each) {
        answer.onNext(word);
      }
    }

    @Override
    public void onError(Throwable failure) {}

    @Override
    public void onCompleted() {
      if (!each) {
        answer.onNext(Integer.toString(count));
      }
      answer.onCompleted();
    }
  }
}
