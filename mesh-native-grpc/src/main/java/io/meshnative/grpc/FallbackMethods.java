package io.meshnative.grpc;

import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds a method for every name, so that each call comes past the interceptor that decides: who may
 * not call learns nothing of what there is (T44). What nobody serves is told so after the decision.
 *
 * <p>A registry of the application's own is asked before it, as gRPC does; what it finds is judged
 * under the name that the caller sent, never under that of the method found.
 */
final class FallbackMethods extends HandlerRegistry {
  private final @Nullable HandlerRegistry applications;

  FallbackMethods(@Nullable HandlerRegistry applications) {
    this.applications = applications;
  }

  @Override
  public List<ServerServiceDefinition> getServices() {
    return applications == null ? List.of() : applications.getServices();
  }

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String name, @Nullable String authority) {
    if (applications == null) {
      return unknown(name);
    }
    ServerMethodDefinition<?, ?> found;
    try {
      found = applications.lookupMethod(name, authority);
    } catch (RuntimeException e) {
      return failing(name, e); // it would be answered before the decision
    }
    return found == null ? unknown(name) : underName(name, found);
  }

  private static <Q, S> ServerMethodDefinition<Q, S> underName(
      String name, ServerMethodDefinition<Q, S> found) {
    MethodDescriptor<Q, S> method = found.getMethodDescriptor();
    return name.equals(method.getFullMethodName())
        ? found
        : ServerMethodDefinition.create(
            method.toBuilder().setFullMethodName(name).build(), found.getServerCallHandler());
  }

  private static ServerMethodDefinition<InputStream, InputStream> unknown(String name) {
    return definition(
        name,
        (call, headers) -> {
          call.close(
              Status.UNIMPLEMENTED.withDescription("Method not found: " + name), new Metadata());
          return new ServerCall.Listener<>() {};
        });
  }

  private static ServerMethodDefinition<InputStream, InputStream> failing(
      String name, RuntimeException failure) {
    return definition(
        name,
        (call, headers) -> {
          throw failure;
        });
  }

  private static ServerMethodDefinition<InputStream, InputStream> definition(
      String name, ServerCallHandler<InputStream, InputStream> handler) {
    MethodDescriptor<InputStream, InputStream> method =
        MethodDescriptor.<InputStream, InputStream>newBuilder()
            .setType(MethodDescriptor.MethodType.UNKNOWN)
            .setFullMethodName(name)
            .setRequestMarshaller(AsTheyCome.INSTANCE)
            .setResponseMarshaller(AsTheyCome.INSTANCE)
            .build();
    return ServerMethodDefinition.create(method, handler);
  }

  /** Nobody reads the messages of a method that does not exist. */
  private enum AsTheyCome implements MethodDescriptor.Marshaller<InputStream> {
    INSTANCE;

    @Override
    public InputStream stream(InputStream message) {
      return message;
    }

    @Override
    public InputStream parse(InputStream message) {
      return message;
    }
  }
}
