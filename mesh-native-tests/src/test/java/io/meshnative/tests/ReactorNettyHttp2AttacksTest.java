package io.meshnative.tests;

class ReactorNettyHttp2AttacksTest extends Http2Attacks {
  ReactorNettyHttp2AttacksTest() {
    super(HttpServerKind.REACTOR_NETTY, TlsKind.CONSCRYPT);
  }
}
