package io.meshnative.tests;

class TomcatHttp2AttacksTest extends Http2Attacks {
  TomcatHttp2AttacksTest() {
    super(HttpServerKind.TOMCAT, TlsKind.CONSCRYPT);
  }
}
