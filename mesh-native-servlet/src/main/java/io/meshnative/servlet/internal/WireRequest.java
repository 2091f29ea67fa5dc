package io.meshnative.servlet.internal;

import io.meshnative.IdentityHeaders;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.util.List;
import java.util.Map;

/**
 * A request as it came from the network.
 *
 * @param method the method of the request line
 * @param target the target of the request line with its query, undecoded
 * @param hosts the lines of the {@code Host} header, or the authority of HTTP/2
 * @param headers the headers; those that speak of the caller's identity are not looked at
 */
public record WireRequest(
    String method, String target, List<String> hosts, Map<String, List<String>> headers) {

  HttpRequestView view() throws MalformedRequestException {
    return HttpRequestView.of(method, target, hosts, IdentityHeaders.stripped(headers));
  }
}
