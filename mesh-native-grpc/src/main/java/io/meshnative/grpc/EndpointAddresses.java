package io.meshnative.grpc;

import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where to connect to for endpoints. All are TCP ports, or all are unix sockets: a channel of gRPC
 * has one kind of sockets. Where a service has both, its unix sockets are left out.
 *
 * @param addresses the endpoint at each address, in the order of the set
 * @param unix whether they are unix sockets
 * @param skipped why endpoints were left out, one line each
 */
record EndpointAddresses(
    Map<SocketAddress, Endpoint> addresses, boolean unix, List<String> skipped) {
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  EndpointAddresses {
    addresses = Collections.unmodifiableMap(new LinkedHashMap<>(addresses));
    skipped = List.copyOf(skipped);
  }

  /** Whether nothing has to be asked for: all hosts are addresses, or all are unix sockets. */
  static boolean areLiteral(EndpointSet set) {
    return set.endpoints().stream()
        .allMatch(endpoint -> endpoint.socketPath().isPresent() || isLiteral(endpoint.host()));
  }

  private static boolean isLiteral(String host) {
    return host.indexOf(':') >= 0 || IPV4.matcher(host).matches();
  }

  /**
   * Looks up the hosts that are names; blocks for them. These are names of machines that the
   * catalog lists as addresses of instances; the service's own name is never asked for in DNS.
   */
  static EndpointAddresses of(EndpointSet set) {
    Map<SocketAddress, Endpoint> addresses = new LinkedHashMap<>();
    List<String> skipped = new ArrayList<>();
    boolean unix = set.endpoints().stream().allMatch(endpoint -> endpoint.socketPath().isPresent());
    for (Endpoint endpoint : set.endpoints()) {
      if (!unix && endpoint.socketPath().isPresent()) {
        skipped.add(
            "expected TCP ports or unix sockets alone, found both; " + endpoint + " is left out");
        continue;
      }
      try {
        SocketAddress address = address(endpoint);
        Endpoint other = addresses.putIfAbsent(address, endpoint);
        if (other != null && !other.identity().equals(endpoint.identity())) {
          skipped.add(
              "expected one service at "
                  + endpoint.address()
                  + ", found "
                  + other
                  + " and "
                  + endpoint
                  + "; the second is left out");
        }
      } catch (UnknownHostException e) {
        skipped.add(
            "expected an address for the host of " + endpoint + ", found none; it is left out");
      }
    }
    return new EndpointAddresses(addresses, unix, skipped);
  }

  private static SocketAddress address(Endpoint endpoint) throws UnknownHostException {
    return endpoint.socketPath().isPresent()
        ? EventLoops.unixAddress(endpoint.socketPath().get())
        : new InetSocketAddress(InetAddress.getByName(endpoint.host()), endpoint.port());
  }
}
