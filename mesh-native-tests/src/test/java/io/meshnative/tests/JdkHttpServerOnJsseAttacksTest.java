package io.meshnative.tests;

class JdkHttpServerOnJsseAttacksTest extends HttpAttacks {
  JdkHttpServerOnJsseAttacksTest() {
    super(HttpServerKind.JDK, TlsKind.JSSE);
  }
}
