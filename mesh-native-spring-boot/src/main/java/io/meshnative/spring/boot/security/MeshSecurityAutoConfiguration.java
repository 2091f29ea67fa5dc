package io.meshnative.spring.boot.security;

import io.meshnative.MeshClient;
import io.meshnative.servlet.MeshPeers;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import jakarta.servlet.Servlet;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.web.server.SecurityWebFiltersOrder;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.core.context.SecurityContextHolderStrategy;
import org.springframework.security.web.authentication.preauth.x509.X509AuthenticationFilter;
import org.springframework.web.server.WebFilter;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Spring Security knows the peer of a request that came through the mesh, in every filter chain of
 * the application. Intentions have been decided before: this adds to them, and takes nothing away.
 */
@AutoConfiguration(after = MeshAutoConfiguration.class)
@ConditionalOnClass({Authentication.class, Customizer.class})
@ConditionalOnBean(MeshClient.class)
@ConditionalOnProperty(prefix = "mesh-native.security", name = "enabled", matchIfMissing = true)
public final class MeshSecurityAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnWebApplication
  MeshPeerAuthorities meshPeerAuthorities() {
    return peer -> MeshPeerAuthorities.PEER;
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
  @ConditionalOnClass({
    Servlet.class,
    MeshPeers.class,
    HttpSecurity.class,
    X509AuthenticationFilter.class
  })
  static class ServletConfiguration {
    /** Before all filters that authenticate: they see whom the connection proved. */
    @Bean
    Customizer<HttpSecurity> meshPeerAuthentication(
        MeshPeerAuthorities authorities, ObjectProvider<SecurityContextHolderStrategy> contexts) {
      SecurityContextHolderStrategy strategy =
          contexts.getIfUnique(SecurityContextHolder::getContextHolderStrategy);
      return http ->
          http.addFilterBefore(
              new MeshAuthenticationFilter(authorities, strategy), X509AuthenticationFilter.class);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.REACTIVE)
  @ConditionalOnClass(
      value = {WebFilter.class, ServerHttpSecurity.class, HttpServerRequest.class},
      name = "io.meshnative.reactor.netty.MeshPeers")
  static class ReactiveConfiguration {
    /** After the session's context was loaded, before all filters that authenticate. */
    @Bean
    Customizer<ServerHttpSecurity> meshPeerAuthentication(MeshPeerAuthorities authorities) {
      return http ->
          http.addFilterAfter(
              new MeshAuthenticationWebFilter(authorities),
              SecurityWebFiltersOrder.REACTOR_CONTEXT);
    }
  }
}
