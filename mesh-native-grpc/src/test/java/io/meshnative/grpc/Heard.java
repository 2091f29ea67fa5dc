package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What a caller hears of a stream. */
final class Heard implements StreamObserver<String> {
  private final BlockingQueue<String> messages = new LinkedBlockingQueue<>();
  private final CompletableFuture<Status> end = new CompletableFuture<>();

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

  String next() throws InterruptedException {
    String message = messages.poll(Town.GUARD.toSeconds(), TimeUnit.SECONDS);
    assertThat(message).as("a message, or the end: %s", end).isNotNull();
    return message;
  }

  boolean isOver() {
    return end.isDone();
  }

  Status.Code end() throws Exception {
    return status().getCode();
  }

  @Nullable Throwable reason() throws Exception {
    return status().getCause();
  }

  Status status() throws Exception {
    return end.get(Town.GUARD.toSeconds(), TimeUnit.SECONDS);
  }
}
