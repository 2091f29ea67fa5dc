package io.meshnative.tests;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Consul as it is run: servers that elect a leader, and agents beside the services; each a process
 * on loopback. Ended by {@link #close}.
 */
final class ConsulCluster implements AutoCloseable {
  private final Map<ConsulAgent.Place, ConsulAgent> servers = new LinkedHashMap<>();
  private final List<ConsulAgent> agents = new ArrayList<>();

  private ConsulCluster() {}

  /**
   * Starts a cluster, and waits until each agent serves.
   *
   * @param servers how many servers: 1 or 3
   * @param agents how many agents that are no servers
   */
  static ConsulCluster start(int servers, int agents) throws IOException {
    ConsulCluster cluster = new ConsulCluster();
    try {
      List<ConsulAgent.Place> places = new ArrayList<>();
      for (int i = 1; i <= servers; i++) {
        places.add(ConsulAgent.Place.reserve("server-" + i));
      }
      for (ConsulAgent.Place place : places) {
        cluster.servers.put(place, ConsulAgent.member(place, servers, places));
      }
      for (int i = 1; i <= agents; i++) {
        ConsulAgent.Place place = ConsulAgent.Place.reserve("agent-" + i);
        cluster.agents.add(ConsulAgent.member(place, 0, places));
      }
      for (ConsulAgent agent : cluster.all()) {
        agent.awaitUp();
      }
      return cluster;
    } catch (IOException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  private List<ConsulAgent> all() {
    List<ConsulAgent> all = new ArrayList<>(servers.values());
    all.addAll(agents);
    return all;
  }

  /** An agent that is no server, from 0 on. */
  ConsulAgent agent(int number) {
    return agents.get(number);
  }

  List<ConsulAgent> servers() {
    return List.copyOf(servers.values());
  }

  /** The server that leads, as the first agent says. */
  ConsulAgent leader() {
    ConsulAgent[] found = new ConsulAgent[1];
    Cast.await(
        "a leader that runs",
        () -> {
          var said = agent(0).api().send("GET", "/v1/status/leader", "");
          servers.forEach((place, server) -> {
            boolean leads =
                said.statusCode() == 200
                    && said.body().equals("\"127.0.0.1:" + place.server() + "\"");
            found[0] = leads && server.isRunning() ? server : found[0];
          });
          return found[0] != null;
        });
    return found[0];
  }

  /** Waits until the servers have a leader again, who answers the first agent's questions. */
  void awaitLeader() {
    Cast.await(
        "the servers answer",
        () -> agent(0).api().send("GET", "/v1/connect/intentions", "").statusCode() == 200);
  }

  /** Starts again what was killed, and waits until each serves. */
  void startMissing() throws IOException {
    List<ConsulAgent> missing = all().stream().filter(agent -> !agent.isRunning()).toList();
    for (ConsulAgent agent : missing) {
      agent.startAgain();
    }
    for (ConsulAgent agent : missing) {
      agent.awaitUp();
    }
    awaitLeader();
  }

  @Override
  public void close() {
    agents.forEach(ConsulAgent::close);
    servers.values().forEach(ConsulAgent::close);
  }
}
