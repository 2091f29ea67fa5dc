package io.meshnative.grpc;

import io.grpc.Metadata;
import io.meshnative.IdentityHeaders;

/** What a caller says about its own identity: nobody is to see it, no rule and no application. */
final class CallerHeaders {
  private CallerHeaders() {}

  static void strip(Metadata headers) {
    for (String name : headers.keys()) {
      if (IdentityHeaders.contains(name)) {
        if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
          headers.discardAll(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER));
        } else {
          headers.discardAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        }
      }
    }
  }
}
