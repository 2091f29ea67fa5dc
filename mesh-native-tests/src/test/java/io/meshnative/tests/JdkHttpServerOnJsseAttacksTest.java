package io.meshnative.tests;

class JdkHttpServerOnJsseAttacksTest extends HttpLiveAttacks {
  JdkHttpServerOnJsseAttacksTest() {
    super(HttpServerKind.JDK, TlsKind.JSSE);
  }
}
