package io.meshnative.okhttp;

import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import okhttp3.Dns;
import org.jspecify.annotations.Nullable;

/**
 * The last places before a connection is made. Here no call gets from one side to the other that
 * was not let through before: by an interceptor that changed its URL, an authenticator that
 * answered with another one, a WebSocket's redirect, a redirect from a cache. OkHttp's pool
 * compares these values, so each is equal to its like.
 */
final class Gates {
  private Gates() {}

  /** Gives the endpoints of a destination. */
  @FunctionalInterface
  interface Endpoints {
    List<InetAddress> of(String host, Destination destination) throws UnknownHostException;
  }

  /**
   * The names of the mesh for a call that was made to a service.
   *
   * @param endpoints whose; compared by identity
   * @param hosts which hosts are in the mesh
   * @param only the one service that it may reach; null for any
   */
  record Inside(Endpoints endpoints, MeshHosts hosts, @Nullable Destination only) implements Dns {
    @Override
    public List<InetAddress> lookup(String host) throws UnknownHostException {
      Destination found = hosts.destination(host).orElse(null);
      if (found == null) {
        throw new UnknownHostException(
            "expected a call to a mesh service to stay in the mesh, found \"" + host + "\"");
      }
      if (only != null && !found.equals(only)) {
        throw new UnknownHostException(
            "expected a call to " + only + " to stay with it, found \"" + host + "\"");
      }
      return endpoints.of(host, found);
    }
  }

  /** The application's DNS for calls that are not to the mesh. */
  record Outside(MeshHosts hosts, Dns dns) implements Dns {
    @Override
    public List<InetAddress> lookup(String host) throws UnknownHostException {
      if (hosts.destination(host).isPresent()) {
        throw new UnknownHostException(
            "expected a call that was made outside the mesh to stay outside, found \""
                + host
                + "\"");
      }
      return dns.lookup(host);
    }
  }

  /**
   * The application's proxies for calls that are not to the mesh: a proxy, which looks names up
   * itself, is not asked for one of the mesh.
   */
  static final class Proxies extends ProxySelector {
    private final MeshHosts hosts;
    private final @Nullable Proxy fixed;
    private final ProxySelector selector;

    Proxies(MeshHosts hosts, @Nullable Proxy fixed, ProxySelector selector) {
      this.hosts = hosts;
      this.fixed = fixed;
      this.selector = selector;
    }

    @Override
    public List<Proxy> select(URI uri) {
      String host = uri.getHost();
      try {
        if (host != null && hosts.destination(host).isPresent()) {
          return List.of(Proxy.NO_PROXY); // and the name is refused
        }
      } catch (UnknownHostException e) {
        return List.of(Proxy.NO_PROXY); // here too
      }
      return fixed == null ? selector.select(uri) : List.of(fixed);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
      if (fixed == null) {
        selector.connectFailed(uri, address, failure);
      }
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Proxies that
          && hosts.equals(that.hosts)
          && java.util.Objects.equals(fixed, that.fixed)
          && selector.equals(that.selector);
    }

    @Override
    public int hashCode() {
      return java.util.Objects.hash(hosts, fixed, selector);
    }
  }
}
