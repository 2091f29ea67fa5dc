package io.meshnative.grpc;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A channel that gives its event loops back once it has terminated. */
final class MeshChannel extends ManagedChannel {
  private static final long LOOK_MILLIS = 10;

  private final ManagedChannel channel;
  private final EventLoopGroup loops;
  private final Runnable release;
  private final AtomicBoolean ending = new AtomicBoolean();

  MeshChannel(ManagedChannel channel, EventLoopGroup loops, Runnable release) {
    this.channel = channel;
    this.loops = loops;
    this.release = release;
  }

  @Override
  public ManagedChannel shutdown() {
    channel.shutdown();
    releaseOnceTerminated();
    return this;
  }

  @Override
  public ManagedChannel shutdownNow() {
    channel.shutdownNow();
    releaseOnceTerminated();
    return this;
  }

  private void releaseOnceTerminated() {
    if (ending.compareAndSet(false, true)) {
      look();
    }
  }

  /** Channels do not tell when they have terminated: they are asked. */
  private void look() {
    if (channel.isTerminated()) {
      release.run();
    } else {
      loops.schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public boolean isShutdown() {
    return channel.isShutdown();
  }

  @Override
  public boolean isTerminated() {
    return channel.isTerminated();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return channel.awaitTermination(timeout, unit);
  }

  @Override
  public <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, CallOptions options) {
    return channel.newCall(method, options);
  }

  @Override
  public String authority() {
    return channel.authority();
  }

  @Override
  public ConnectivityState getState(boolean requestConnection) {
    return channel.getState(requestConnection);
  }

  @Override
  public void notifyWhenStateChanged(ConnectivityState source, Runnable callback) {
    channel.notifyWhenStateChanged(source, callback);
  }

  @Override
  public void resetConnectBackoff() {
    channel.resetConnectBackoff();
  }

  @Override
  public void enterIdle() {
    channel.enterIdle();
  }

  @Override
  public String toString() {
    return "MeshChannel[" + channel + "]";
  }
}
