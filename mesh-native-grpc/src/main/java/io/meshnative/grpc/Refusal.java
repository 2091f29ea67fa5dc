package io.meshnative.grpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.meshnative.HttpRefusal;
import io.meshnative.intention.Decision;

/**
 * What a caller is told when its call is not served: a status and the id of a cause, nothing of the
 * policy.
 */
record Refusal(Status status, String id) {

  static Refusal denied(Decision.Denied denied) {
    return denied(denied.cause());
  }

  static Refusal denied(Decision.Cause cause) {
    return new Refusal(Status.PERMISSION_DENIED, cause.id());
  }

  /** The status that gRPC maps an HTTP 400 to, which is what other servers answer. */
  static Refusal malformed() {
    return new Refusal(Status.INTERNAL, HttpRefusal.MALFORMED);
  }

  void answer(ServerCall<?, ?> call) {
    Metadata trailers = new Metadata();
    trailers.put(MeshGrpc.REFUSAL, id);
    call.close(status.withDescription(id), trailers);
  }
}
