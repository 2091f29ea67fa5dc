package io.meshnative.grpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The HTTP request that a call is, as proxies see it and as rules are written: {@code POST
 * /package.Service/Method}.
 *
 * <p>The headers are the metadata that the application will see. Values of names that end with
 * {@code -bin} are base64 without padding, the spelling that gRPC sends and that its own
 * authorization (A41) compares. {@code te} and the pseudo-headers are of the transport, which keeps
 * them to itself.
 */
final class CallView {
  private static final Base64.Encoder BASE64 = Base64.getEncoder().withoutPadding();

  private CallView() {}

  static HttpRequestView of(ServerCall<?, ?> call, Metadata headers)
      throws MalformedRequestException {
    String authority = call.getAuthority();
    return HttpRequestView.of(
        "POST",
        "/" + call.getMethodDescriptor().getFullMethodName(),
        authority == null ? List.of() : List.of(authority),
        fields(headers));
  }

  private static Map<String, List<String>> fields(Metadata headers)
      throws MalformedRequestException {
    Map<String, List<String>> fields = new LinkedHashMap<>();
    for (String name : headers.keys()) {
      fields.put(name, lines(headers, name));
    }
    return fields;
  }

  private static List<String> lines(Metadata headers, String name)
      throws MalformedRequestException {
    List<String> lines = new ArrayList<>(1);
    try {
      if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        Iterable<byte[]> values =
            headers.getAll(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER));
        if (values != null) {
          values.forEach(value -> lines.add(BASE64.encodeToString(value)));
        }
      } else {
        Iterable<String> values =
            headers.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        if (values != null) {
          values.forEach(lines::add);
        }
      }
    } catch (IllegalArgumentException e) {
      throw new MalformedRequestException(
          "expected metadata that gRPC can read, found a name or value that it cannot: "
              + e.getMessage());
    }
    if (lines.isEmpty()) {
      // It is there, and yet not under the name by which the application would ask.
      throw new MalformedRequestException(
          "expected metadata names in lower case, found one that is not");
    }
    return lines;
  }
}
