package io.meshnative.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;

/** A call as its caller holds it: what came, and how it ended. */
final class Stream extends ClientCall.Listener<String> {
  final Queue<String> came = new ConcurrentLinkedQueue<>();
  final CompletableFuture<Status> ended = new CompletableFuture<>();
  volatile long endedNanos;
  volatile Metadata trailers = new Metadata();
  final ClientCall<String, String> call;
  private final boolean reads;

  private Stream(ClientCall<String, String> call, boolean reads) {
    this.call = call;
    this.reads = reads;
  }

  /** Opens a call and sends the first word. */
  static Stream open(Channel channel, MethodDescriptor<String, String> method, String first) {
    return open(channel, method, first, true);
  }

  /** As {@link #open}, by a caller that never reads an answer. */
  static Stream deaf(Channel channel, MethodDescriptor<String, String> method, String first) {
    return open(channel, method, first, false);
  }

  private static Stream open(
      Channel channel, MethodDescriptor<String, String> method, String first, boolean reads) {
    Stream stream = new Stream(channel.newCall(method, CallOptions.DEFAULT), reads);
    stream.call.start(stream, new Metadata());
    if (reads) {
      stream.call.request(1);
    }
    stream.call.sendMessage(first);
    if (method.getType().clientSendsOneMessage()) {
      stream.call.halfClose();
    }
    return stream;
  }

  @Override
  public void onMessage(String word) {
    came.add(word);
    if (reads) {
      call.request(1);
    }
  }

  @Override
  public void onClose(Status status, Metadata with) {
    endedNanos = System.nanoTime();
    trailers = with;
    ended.complete(status);
  }

  Status end() throws Exception {
    return ended.get(60, TimeUnit.SECONDS);
  }
}
