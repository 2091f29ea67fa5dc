package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.reactor.netty.MeshReactorServer;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.spring.boot.MeshProperties;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.reactor.netty.NettyRouteProvider;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.client.ReactorResourceFactory;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.web.reactive.BindingContext;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.result.method.SyncHandlerMethodArgumentResolver;
import org.springframework.web.reactive.result.method.annotation.ArgumentResolverConfigurer;
import org.springframework.web.reactive.result.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import reactor.netty.http.server.HttpServer;

/**
 * Reactor Netty serves the mesh, beside its main connector or instead of it: {@code
 * mesh-native.server.mode}.
 */
@AutoConfiguration(after = MeshAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
@ConditionalOnClass({
  HttpServer.class,
  NettyReactiveWebServerFactory.class,
  MeshReactorServer.class
})
@ConditionalOnBean(MeshClient.class)
@ConditionalOnExpression("!'${mesh-native.server.mode:off}'.equalsIgnoreCase('off')")
public final class MeshReactiveServerAutoConfiguration {

  @Bean
  MeshNettyServer meshNettyServer(
      MeshClient mesh,
      MeshProperties properties,
      ObjectProvider<HttpHandler> handlers,
      ObjectProvider<NettyRouteProvider> routes,
      ObjectProvider<ReactorResourceFactory> resources,
      ApplicationContext context) {
    return new MeshNettyServer(
        mesh, properties.server(), handlers, routes, resources, context);
  }

  /** Decides nothing: requests were judged before. */
  @Bean
  @Order(Ordered.HIGHEST_PRECEDENCE)
  WebFilter meshPrincipalWebFilter() {
    return (exchange, chain) ->
        chain.filter(
            MeshExchanges.peer(exchange)
                .map(peer -> MeshExchanges.known(exchange, peer))
                .orElse(exchange));
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(RequestMappingHandlerAdapter.class)
  static class WebFluxConfiguration {
    @Bean
    MeshPeerHandlers meshPeerHandlers(ObjectProvider<RequestMappingHandlerAdapter> adapter) {
      return new MeshPeerHandlers(adapter);
    }

    @Bean
    WebFluxConfigurer meshPeerArguments() {
      return new WebFluxConfigurer() {
        @Override
        public void configureArgumentResolvers(ArgumentResolverConfigurer resolvers) {
          resolvers.addCustomResolver(new PerhapsPeer());
        }
      };
    }
  }

  /** Arguments of type {@code Optional<MeshPeer>}. */
  static final class PerhapsPeer implements SyncHandlerMethodArgumentResolver {
    @Override
    public boolean supportsParameter(MethodParameter parameter) {
      return parameter.getParameterType() == Optional.class
          && parameter.nested().getNestedParameterType() == MeshPeer.class;
    }

    @Override
    public Object resolveArgumentValue(
        MethodParameter parameter, BindingContext binding, ServerWebExchange exchange) {
      return MeshExchanges.peer(exchange);
    }
  }
}
