package io.meshnative.spring.boot.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A stream as its caller holds it. */
final class Conversation implements StreamObserver<String> {
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final CompletableFuture<Status.Code> end = new CompletableFuture<>();
  private final StreamObserver<String> mouth;

  Conversation(Channel channel) {
    mouth =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Speech.CHAT, CallOptions.DEFAULT), this);
  }

  /** Sends a word and waits for its answer. */
  String say(String word) throws InterruptedException {
    mouth.onNext(word);
    String answer = heard.poll(Speech.GUARD.toSeconds(), TimeUnit.SECONDS);
    return answer == null ? "no answer" : answer;
  }

  void finish() {
    mouth.onCompleted();
  }

  /** Waits for the end. */
  Status.Code end() throws Exception {
    return end.get(Speech.GUARD.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void onNext(String word) {
    heard.add(word);
  }

  @Override
  public void onError(Throwable failure) {
    end.complete(Status.fromThrowable(failure).getCode());
  }

  @Override
  public void onCompleted() {
    end.complete(Status.Code.OK);
  }
}
