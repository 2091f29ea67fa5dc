package io.meshnative.reactor.netty;

import java.util.List;
import java.util.Map;

/**
 * A request as it came from the network, without what claims an identity.
 *
 * @param method the method of the request line, or {@code :method}
 * @param target the target of the request line, or {@code :path}, undecoded
 * @param hosts the lines of the {@code Host} header, or {@code :authority}
 * @param headers the headers
 */
record WireRequest(
    String method, String target, List<String> hosts, Map<String, List<String>> headers) {}
