package io.meshnative.tests;

import io.meshnative.MeshClient;

/** The adapters for HTTP servers; each has every attack of {@link HttpAttacks} to survive. */
enum HttpServerKind {
  JDK(JdkHttpServer::new),
  JETTY(JettyServer::new),
  TOMCAT(TomcatServer::new),
  REACTOR_NETTY(ReactorNettyServer::new);

  private final HttpServerUnderTest.Factory factory;

  HttpServerKind(HttpServerUnderTest.Factory factory) {
    this.factory = factory;
  }

  HttpServerUnderTest start(MeshClient service, RecordingApplication application) throws Exception {
    return factory.start(service, application);
  }
}
