package io.meshnative.tests;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What stands for a database in the mesh, and passes what it lets through on to it. */
enum DatabaseFront {
  /** A program of ours that listens. */
  LISTEN {
    @Override
    Front start(ConsulAgent agent, Cast cast, String service, int port) throws Exception {
      cast.keep(new Terminator(cast.registered(service), port));
      return allowed -> {}; // it follows the intentions itself
    }
  },

  /** The proxy that Consul brings along; it asks the agent at each connection. */
  BUILT_IN_PROXY {
    @Override
    Front start(ConsulAgent agent, Cast cast, String service, int port) throws Exception {
      int listen = Ports.reserve();
      Process process =
          agent.run(
              service + "-proxy.log",
              List.of(
                  "connect",
                  "proxy",
                  "-service=" + service,
                  "-service-addr=127.0.0.1:" + port,
                  "-listen=127.0.0.1:" + listen,
                  "-register",
                  "-register-id=" + service + "-" + listen),
              Map.of());
      cast.keep(() -> ConsulAgent.end(process));
      return allowed -> {};
    }
  },

  /** Envoy, which is told the intentions as Consul's control plane does it. */
  ENVOY {
    @Override
    Front start(ConsulAgent agent, Cast cast, String service, int port) throws Exception {
      EnvoySidecar sidecar =
          cast.keep(EnvoySidecar.inbound(agent, service, EnvoySidecar.Protocol.TCP, port).start());
      sidecar.register();
      return allowed ->
          sidecar.enforce(
              List.of(
                  new Intention(
                      new Intention.Source("", "default", "default", "web"),
                      new Intention.Destination("default", "default", service),
                      Optional.of(allowed ? Intention.Action.ALLOW : Intention.Action.DENY),
                      List.of(),
                      9,
                      false,
                      "",
                      List.of())),
              DefaultDecision.ALLOW);
    }
  };

  /** One that runs. */
  @FunctionalInterface
  interface Front {
    /** Makes it follow an intention of web, where it does not by itself. */
    void webMay(boolean call) throws Exception;
  }

  /** The name of the service that is this one in front of a database. */
  String service(String database) {
    return database + "-" + name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  /** Starts it for a database on a port of loopback, until the cast is closed. */
  abstract Front start(ConsulAgent agent, Cast cast, String service, int port) throws Exception;
}
