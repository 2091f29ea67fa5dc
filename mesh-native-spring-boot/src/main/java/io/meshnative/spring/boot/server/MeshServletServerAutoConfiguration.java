package io.meshnative.spring.boot.server;

import io.meshnative.MeshClient;
import io.meshnative.servlet.MeshPeers;
import io.meshnative.servlet.jetty.MeshJettyConnector;
import io.meshnative.servlet.tomcat.MeshTomcatConnector;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.spring.boot.MeshProperties;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Servlet;
import java.util.EnumSet;
import org.apache.catalina.startup.Tomcat;
import org.eclipse.jetty.server.Server;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;

/**
 * Tomcat and Jetty serve the mesh, beside their main connector or instead of it: {@code
 * mesh-native.server.mode}.
 */
@AutoConfiguration(after = MeshAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({Servlet.class, MeshPeers.class})
@ConditionalOnBean(MeshClient.class)
@ConditionalOnExpression("!'${mesh-native.server.mode:off}'.equalsIgnoreCase('off')")
public final class MeshServletServerAutoConfiguration {

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({
    Tomcat.class,
    TomcatServletWebServerFactory.class,
    MeshTomcatConnector.class
  })
  static class TomcatConfiguration {
    @Bean
    MeshTomcatServer meshTomcatServer(MeshClient mesh, MeshProperties properties) {
      return new MeshTomcatServer(mesh, properties.server());
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({Server.class, JettyServletWebServerFactory.class, MeshJettyConnector.class})
  static class JettyConfiguration {
    @Bean
    MeshJettyServer meshJettyServer(MeshClient mesh, MeshProperties properties) {
      return new MeshJettyServer(mesh, properties.server());
    }
  }

  @Bean
  FilterRegistrationBean<MeshPrincipalFilter> meshPrincipalFilter() {
    FilterRegistrationBean<MeshPrincipalFilter> registration =
        new FilterRegistrationBean<>(new MeshPrincipalFilter());
    registration.setOrder(Ordered.HIGHEST_PRECEDENCE);
    registration.setDispatcherTypes(EnumSet.allOf(DispatcherType.class));
    return registration;
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(RequestMappingHandlerAdapter.class)
  static class MvcConfiguration {
    @Bean
    static BeanPostProcessor meshPeerArguments() {
      return MeshPeerArguments.first();
    }
  }
}
