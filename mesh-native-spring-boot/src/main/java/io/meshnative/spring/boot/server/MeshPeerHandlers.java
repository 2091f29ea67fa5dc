package io.meshnative.spring.boot.server;

import io.meshnative.MeshPeer;
import java.util.Arrays;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.reactive.HandlerAdapter;
import org.springframework.web.reactive.HandlerResult;
import org.springframework.web.reactive.result.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebInputException;
import reactor.core.publisher.Mono;

/**
 * Gives controllers of WebFlux the peer as an argument of type {@link MeshPeer}. Spring resolves
 * any type of principal itself, before it asks others, from the exchange's principal: methods with
 * such an argument get an exchange whose principal is the peer. Where the request did not come from
 * the mesh, a nullable argument is empty, and any other is refused.
 */
final class MeshPeerHandlers implements HandlerAdapter, Ordered {
  private final ObjectProvider<RequestMappingHandlerAdapter> adapter;

  MeshPeerHandlers(ObjectProvider<RequestMappingHandlerAdapter> adapter) {
    this.adapter = adapter;
  }

  @Override
  public int getOrder() {
    return Ordered.HIGHEST_PRECEDENCE;
  }

  @Override
  public boolean supports(Object handler) {
    return handler instanceof HandlerMethod method && argument(method).isPresent();
  }

  private static Optional<MethodParameter> argument(HandlerMethod method) {
    return Arrays.stream(method.getMethodParameters())
        .filter(parameter -> parameter.getParameterType() == MeshPeer.class)
        .findFirst();
  }

  @Override
  public Mono<HandlerResult> handle(ServerWebExchange exchange, Object handler) {
    MethodParameter argument = argument((HandlerMethod) handler).orElseThrow();
    MeshPeer peer = MeshExchanges.peer(exchange).orElse(null);
    if (peer == null && !argument.isOptional()) {
      return Mono.error(
          new ServerWebInputException(
              "expected a request from the mesh, found one that came by another connector",
              argument));
    }
    return adapter.getObject().handle(MeshExchanges.asked(exchange, peer), handler);
  }
}
