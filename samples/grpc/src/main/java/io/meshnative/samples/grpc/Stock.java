package io.meshnative.samples.grpc;

import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.grpc.MeshGrpc;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * A service whose messages are texts, so that the sample needs no generated code. A real one would
 * be a {@code StockGrpc.StockImplBase}.
 */
final class Stock {
  static final MethodDescriptor<String, String> COUNT = unary("shop.Stock/Count");
  static final MethodDescriptor<String, String> TAKE = unary("shop.Stock/Take");

  private Stock() {}

  static ServerServiceDefinition service() {
    return ServerServiceDefinition.builder("shop.Stock")
        .addMethod(COUNT, ServerCalls.asyncUnaryCall(Stock::count))
        .addMethod(TAKE, ServerCalls.asyncUnaryCall(Stock::take))
        .build();
  }

  private static void count(String article, StreamObserver<String> answer) {
    answer(answer, "7 of " + article);
  }

  private static void take(String article, StreamObserver<String> answer) {
    answer(answer, "one " + article + " for " + MeshGrpc.PEER.get().service().service());
  }

  private static void answer(StreamObserver<String> observer, String text) {
    observer.onNext(text);
    observer.onCompleted();
  }

  private static MethodDescriptor<String, String> unary(String name) {
    return MethodDescriptor.<String, String>newBuilder(Text.INSTANCE, Text.INSTANCE)
        .setType(MethodType.UNARY)
        .setFullMethodName(name)
        .build();
  }

  private enum Text implements MethodDescriptor.Marshaller<String> {
    INSTANCE;

    @Override
    public InputStream stream(String text) {
      return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public String parse(InputStream bytes) {
      try {
        return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
