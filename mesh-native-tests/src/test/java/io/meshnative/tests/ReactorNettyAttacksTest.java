package io.meshnative.tests;

class ReactorNettyAttacksTest extends HttpAttacks {
  ReactorNettyAttacksTest() {
    super(HttpServerKind.REACTOR_NETTY, TlsKind.CONSCRYPT);
  }
}
