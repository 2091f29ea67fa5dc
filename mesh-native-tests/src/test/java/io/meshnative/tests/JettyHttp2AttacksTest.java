package io.meshnative.tests;

class JettyHttp2AttacksTest extends Http2Attacks {
  JettyHttp2AttacksTest() {
    super(HttpServerKind.JETTY, TlsKind.CONSCRYPT);
  }
}
