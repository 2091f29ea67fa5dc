package io.meshnative.grpc;

import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.ServerCalls;
import java.util.concurrent.atomic.AtomicInteger;

/** Aborts its first calls. */
final class Flaky {
  private final int failures;
  private final AtomicInteger attempts = new AtomicInteger();

  Flaky(int failures) {
    this.failures = failures;
  }

  int attempts() {
    return attempts.get();
  }

  ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("test.Talk")
        .addMethod(
            Talk.SAY,
            ServerCalls.asyncUnaryCall((said, answer) -> {
              int attempt = attempts.incrementAndGet();
              if (attempt <= failures) {
                answer.onError(Status.ABORTED.asRuntimeException());
              } else {
                answer.onNext("attempt " + attempt + ": " + said);
                answer.onCompleted();
              }
            }))
        .build();
  }
}
