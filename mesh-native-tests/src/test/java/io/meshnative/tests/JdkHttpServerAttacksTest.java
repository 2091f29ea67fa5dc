package io.meshnative.tests;

class JdkHttpServerAttacksTest extends HttpAttacks {
  JdkHttpServerAttacksTest() {
    super(HttpServerKind.JDK, TlsKind.CONSCRYPT);
  }
}
