package io.meshnative.tests;

class TomcatAttacksTest extends HttpAttacks {
  TomcatAttacksTest() {
    super(HttpServerKind.TOMCAT, TlsKind.CONSCRYPT);
  }
}
