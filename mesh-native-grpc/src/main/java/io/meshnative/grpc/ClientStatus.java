package io.meshnative.grpc;

import io.grpc.Status;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshException;
import io.meshnative.MeshState;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import org.jspecify.annotations.Nullable;

/**
 * The status of a call that the mesh let fail. gRPC knows such failures as {@code UNAVAILABLE},
 * with the mesh's own reason somewhere among the causes.
 */
final class ClientStatus {
  private static final int MAX_CAUSES = 16;

  private ClientStatus() {}

  /** The status with the mesh's reason; the same one where the mesh has no part in it. */
  static Status of(Status status, MeshClient mesh, Destination destination) {
    Throwable failure = status.getCause();
    if (failure == null // came over the wire, or the application's deadline has passed
        || status.getCode() == Status.Code.CANCELLED
        || status.getCode() == Status.Code.DEADLINE_EXCEEDED) {
      return status;
    }
    if (mesh.state() == MeshState.CLOSED) {
      return Status.UNAVAILABLE
          .withDescription(
              "expected an open mesh client to call "
                  + destination
                  + ", found that of "
                  + mesh.service()
                  + " closed; it must stay open as long as its channels are used")
          .withCause(failure);
    }
    MeshException reason = reason(failure);
    if (reason == null) {
      reason = mesh.refusal(destination, failure).orElse(null);
    }
    return reason == null ? status : of(reason);
  }

  static Status of(MeshException reason) {
    Status status;
    if (reason instanceof PeerIdentityException) {
      status = Status.UNAUTHENTICATED;
    } else if (reason instanceof MeshAuthorizationException
        || reason instanceof PeerRefusedException) {
      status = Status.PERMISSION_DENIED;
    } else {
      status = Status.UNAVAILABLE;
    }
    return status.withDescription(reason.getMessage()).withCause(reason);
  }

  private static @Nullable MeshException reason(Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++) {
      if (cause instanceof MeshException reason) {
        return reason;
      }
      cause = cause.getCause();
    }
    return null;
  }
}
