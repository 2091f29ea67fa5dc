package io.meshnative.discovery;

import java.util.Locale;

/**
 * What the instances of a destination speak inside TLS, as Consul's config entries have it ({@code
 * service-defaults}, {@code proxy-defaults}). A hint for whoever has nothing better: where ALPN
 * agrees on a protocol, that is the one.
 */
public enum ApplicationProtocol {
  /** Nobody has said so, or it is a protocol that this library has no name for. */
  UNKNOWN,
  /** Bytes; what Consul says of every service of which nothing else is configured. */
  TCP,
  /** HTTP/1.1. */
  HTTP,
  /** HTTP/2. */
  HTTP2,
  /** gRPC, which is HTTP/2. */
  GRPC;

  /**
   * Reads Consul's name of a protocol.
   *
   * @param name such as {@code http2}, in any case
   * @return the protocol; {@link #UNKNOWN} for any other name
   */
  public static ApplicationProtocol of(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "tcp" -> TCP;
      case "http" -> HTTP;
      case "http2" -> HTTP2;
      case "grpc" -> GRPC;
      default -> UNKNOWN;
    };
  }

  /**
   * Tells whether a client that could agree on nothing by ALPN begins with HTTP/2 at once ("prior
   * knowledge", RFC 9113 §3.3). Sidecars do without ALPN.
   *
   * @return true for {@link #HTTP2} and {@link #GRPC}
   */
  public boolean isHttp2() {
    return this == HTTP2 || this == GRPC;
  }
}
