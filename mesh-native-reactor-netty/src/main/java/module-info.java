/** The HTTP server of Reactor Netty as a member of a Consul mesh. */
module io.meshnative.reactor.netty {
  requires transitive io.meshnative;
  requires transitive reactor.netty.http;
  requires static transitive org.jspecify;
  requires io.netty.buffer;
  requires io.netty.codec;
  requires io.netty.codec.http;
  requires io.netty.codec.http2;
  requires io.netty.common;
  requires io.netty.handler;
  requires io.netty.transport;
  requires reactor.netty.core;

  exports io.meshnative.reactor.netty;
}
