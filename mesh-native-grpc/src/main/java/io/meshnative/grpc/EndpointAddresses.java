package io.meshnative.grpc;

import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where to connect to for endpoints.
 *
 * @param addresses the endpoint at each address, in the order of the set
 * @param skipped why endpoints were left out, one line each
 */
record EndpointAddresses(Map<InetSocketAddress, Endpoint> addresses, List<String> skipped) {
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");

  EndpointAddresses {
    addresses = Collections.unmodifiableMap(new LinkedHashMap<>(addresses));
    skipped = List.copyOf(skipped);
  }

  /** Whether all hosts are addresses: nothing is asked then. */
  static boolean areLiteral(EndpointSet set) {
    return set.endpoints().stream().allMatch(endpoint -> isLiteral(endpoint.host()));
  }

  private static boolean isLiteral(String host) {
    return host.indexOf(':') >= 0 || IPV4.matcher(host).matches();
  }

  /**
   * Looks up the hosts that are names; blocks for them. These are names of machines that the
   * catalog lists as addresses of instances; the service's own name is never asked for in DNS.
   */
  static EndpointAddresses of(EndpointSet set) {
    Map<InetSocketAddress, Endpoint> addresses = new LinkedHashMap<>();
    List<String> skipped = new ArrayList<>();
    for (Endpoint endpoint : set.endpoints()) {
      try {
        InetSocketAddress address =
            new InetSocketAddress(InetAddress.getByName(endpoint.host()), endpoint.port());
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
    return new EndpointAddresses(addresses, skipped);
  }
}
