package io.meshnative.tests;

import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.reactive.ReactiveWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The web servers of Spring Boot that serve the mesh, each with an application that runs on it. */
enum BootServer {
  TOMCAT(OnTomcat.class, "servlet"),
  JETTY(OnJetty.class, "servlet"),
  NETTY(OnNetty.class, "reactive");

  final Class<?> application;

  /** The class path of these tests has all of them; who has one need not say it. */
  final String type;

  BootServer(Class<?> application, String type) {
    this.application = application;
    this.type = "spring.main.web-application-type=" + type;
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import({BootDoor.class, BootEngine.class})
  static class OnTomcat {
    @Bean
    ServletWebServerFactory factory() {
      return new TomcatServletWebServerFactory();
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import({BootDoor.class, BootEngine.class})
  static class OnJetty {
    @Bean
    ServletWebServerFactory factory() {
      return new JettyServletWebServerFactory();
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import({BootDoor.class, BootEngine.class})
  static class OnNetty {
    @Bean
    ReactiveWebServerFactory factory() {
      return new NettyReactiveWebServerFactory();
    }
  }
}
