package io.meshnative.tests;

class ReactorNettyOnJsseAttacksTest extends HttpLiveAttacks {
  ReactorNettyOnJsseAttacksTest() {
    super(HttpServerKind.REACTOR_NETTY, TlsKind.JSSE);
  }
}
