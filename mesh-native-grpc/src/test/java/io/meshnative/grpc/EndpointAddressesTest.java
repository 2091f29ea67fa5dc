package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EndpointAddressesTest {
  private static final ConsulId.Service ORDERS =
      new ConsulId.Service(TrustDomain.of("test.consul"), "default", "default", "dc1", "orders");

  private static Endpoint tcp(String instance, String host) {
    return new Endpoint(instance, "node", host, 9443, ORDERS, Endpoint.Kind.NATIVE, 1);
  }

  private static Endpoint unix(String instance, String path) {
    return new Endpoint(
        instance, "node", "10.0.0.1", 0, ORDERS, Endpoint.Kind.NATIVE, 1, Optional.of(path));
  }

  private static EndpointSet set(Endpoint... endpoints) {
    return new EndpointSet(
        Destination.parse("orders"), List.of(endpoints), Emptiness.NOT_EMPTY, List.of());
  }

  @Test
  void portsAreTcpAddresses() {
    EndpointAddresses found = EndpointAddresses.of(set(tcp("o1", "10.0.0.1"), tcp("o2", "::1")));
    assertThat(found.unix()).isFalse();
    assertThat(found.skipped()).isEmpty();
    assertThat(found.addresses().keySet())
        .hasSize(2)
        .allMatch(address -> ((InetSocketAddress) address).getPort() == 9443);
  }

  @Test
  void unixSocketsAreTheirPathsAndNoHostIsAskedFor() {
    EndpointSet set = set(unix("o1", "/run/o1.sock"), unix("o2", "/run/o2.sock"));
    assertThat(EndpointAddresses.areLiteral(set)).isTrue();
    EndpointAddresses found = EndpointAddresses.of(set);
    assertThat(found.unix()).isTrue();
    assertThat(found.addresses().keySet())
        .containsExactly(
            EventLoops.unixAddress("/run/o1.sock"), EventLoops.unixAddress("/run/o2.sock"));
  }

  @Test
  void besidePortsUnixSocketsAreLeftOutAndTheReasonTold() {
    EndpointAddresses found =
        EndpointAddresses.of(set(unix("o1", "/run/o1.sock"), tcp("o2", "10.0.0.1")));
    assertThat(found.unix()).isFalse();
    assertThat(found.addresses().values())
        .singleElement()
        .extracting(Endpoint::instance)
        .isEqualTo("o2");
    assertThat(found.skipped()).singleElement().asString().contains("unix:/run/o1.sock");
  }
}
