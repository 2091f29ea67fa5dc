package io.meshnative.tests;

class JettyOnJsseAttacksTest extends HttpLiveAttacks {
  JettyOnJsseAttacksTest() {
    super(HttpServerKind.JETTY, TlsKind.JSSE);
  }
}
