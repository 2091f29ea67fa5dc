package io.meshnative.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * The innermost interceptor of a channel: tells the mesh's reasons in statuses, and lets no call
 * choose an authority, which says who must answer.
 */
final class MeshCalls implements ClientInterceptor {
  private final MeshBinding binding;

  MeshCalls(MeshBinding binding) {
    this.binding = binding;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    if (options.getAuthority() != null) {
      throw new IllegalArgumentException(
          "expected a call to "
              + binding.destination()
              + " without an authority of its own, found one; the authority says which service must"
              + " answer, and the mesh sets it");
    }
    return new SimpleForwardingClientCall<Q, R>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(new Telling<>(listener), headers);
      }
    };
  }

  private final class Telling<R> extends SimpleForwardingClientCallListener<R> {
    Telling(ClientCall.Listener<R> listener) {
      super(listener);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      super.onClose(ClientStatus.of(status, binding.mesh(), binding.destination()), trailers);
    }
  }
}
