package io.meshnative.grpc;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.intention.Decision;
import io.meshnative.intention.MalformedRequestException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Decides over every call, before any code of the application's hears of it. Fails closed: what
 * cannot be read, judged or attributed is not served.
 */
final class CallGate implements ServerInterceptor {
  private static final Logger LOG = System.getLogger("io.meshnative.grpc");

  private final MeshClient mesh;
  private final CallerConnections connections;

  CallGate(MeshClient mesh, CallerConnections connections) {
    this.mesh = mesh;
    this.connections = connections;
  }

  @Override
  public <Q, S> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
    GuardedCall<Q, S> guarded;
    MeshPeer peer;
    try {
      CallerConnection connection = call.getAttributes().get(CallerConnection.ATTRIBUTE);
      MeshPeer caller = connection == null ? null : connection.peer();
      if (connection == null || caller == null) {
        return refuse(call, Refusal.denied(Decision.Cause.EVALUATION_FAILED));
      }
      peer = caller;
      connections.drainIfOld(connection);
      CallerHeaders.strip(headers);
      GuardedCall<Q, S> judged = new GuardedCall<>(call, connection, CallStream.current());
      judged.admitted(mesh.admit(caller, CallView.of(call, headers), judged::withdraw));
      guarded = judged;
    } catch (MalformedRequestException e) {
      LOG.log(Level.DEBUG, () -> "a call that has a second reading was refused: " + e.getMessage());
      return refuse(call, Refusal.malformed());
    } catch (MeshAuthorizationException e) {
      return refuse(call, Refusal.denied(e.decision()));
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "deciding over a call failed, so it is denied", e);
      return refuse(call, Refusal.denied(Decision.Cause.EVALUATION_FAILED));
    }
    boolean started = false;
    try {
      ServerCall.Listener<Q> listener =
          guarded.listener(
              Contexts.interceptCall(
                  Context.current().withValue(MeshGrpc.PEER, peer), guarded, headers, next));
      started = true;
      return listener;
    } finally {
      if (!started) {
        guarded.over();
      }
    }
  }

  private static <Q> ServerCall.Listener<Q> refuse(ServerCall<Q, ?> call, Refusal refusal) {
    refusal.answer(call);
    return new ServerCall.Listener<>() {};
  }
}
