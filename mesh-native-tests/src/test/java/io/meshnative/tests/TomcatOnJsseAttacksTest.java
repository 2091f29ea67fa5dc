package io.meshnative.tests;

class TomcatOnJsseAttacksTest extends HttpLiveAttacks {
  TomcatOnJsseAttacksTest() {
    super(HttpServerKind.TOMCAT, TlsKind.JSSE);
  }
}
