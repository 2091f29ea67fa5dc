package io.meshnative.tests;

class JettyAttacksTest extends HttpAttacks {
  JettyAttacksTest() {
    super(HttpServerKind.JETTY, TlsKind.CONSCRYPT);
  }
}
