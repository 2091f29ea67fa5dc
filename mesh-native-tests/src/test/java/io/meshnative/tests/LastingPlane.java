package io.meshnative.tests;

import java.io.IOException;

/**
 * A control plane that keeps its data while parts of it are gone: the agent beside the services, or
 * the servers behind it.
 */
interface LastingPlane extends AutoCloseable {
  /** What services talk to. */
  Plane agent();

  /** What operators write to; it answers while the agent is gone. */
  Plane operator();

  void loseAgent() throws Exception;

  /** The agent is started anew: what it had in memory is forgotten. */
  void regainAgent() throws Exception;

  void loseServers() throws Exception;

  void regainServers() throws Exception;

  @Override
  void close();

  /** The embedded plane, which is both in one. */
  record Embedded(EmbeddedPlane plane) implements LastingPlane {
    @Override
    public Plane agent() {
      return plane;
    }

    @Override
    public Plane operator() {
      return plane;
    }

    @Override
    public void loseAgent() {
      plane.plane().faults().down();
    }

    @Override
    public void regainAgent() {
      plane.plane().restart();
      plane.plane().faults().up();
    }

    @Override
    public void loseServers() {
      plane.plane().faults().noLeader(true);
    }

    @Override
    public void regainServers() {
      plane.plane().faults().noLeader(false);
    }

    @Override
    public void close() {
      plane.close();
    }
  }

  /** A real server, and an agent that is none. */
  record Real(ConsulCluster cluster) implements LastingPlane {
    @Override
    public Plane agent() {
      return cluster.agent(0);
    }

    @Override
    public Plane operator() {
      return cluster.servers().get(0);
    }

    @Override
    public void loseAgent() throws InterruptedException {
      cluster.agent(0).kill();
    }

    @Override
    public void regainAgent() throws IOException {
      cluster.startMissing();
    }

    @Override
    public void loseServers() throws InterruptedException {
      for (ConsulAgent server : cluster.servers()) {
        server.kill();
      }
    }

    @Override
    public void regainServers() throws IOException {
      cluster.startMissing();
    }

    @Override
    public void close() {
      cluster.close();
    }
  }
}
