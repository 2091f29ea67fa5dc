package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;

/** A control plane as the contract tests see it: the embedded one, or a real Consul agent. */
interface Plane extends AutoCloseable {
  /** The agent's HTTP address, {@code host:port}. */
  String httpAddr();

  Plane allow(String source, String destination) throws IOException;

  Plane deny(String source, String destination) throws IOException;

  Plane remove(String source, String destination) throws IOException;

  /** Registers a connect-native instance. */
  Plane register(String service, String id, String address, int port) throws IOException;

  Plane deregister(String id) throws IOException;

  /** Makes a new root the active one; the old one stays trusted. */
  Plane rotateRoot() throws IOException;

  /** What the agent itself says: may this id call this service. */
  boolean authorize(String target, String clientUri) throws IOException;

  String trustDomain() throws IOException;

  /** What a token must be sent with each call, empty for none. */
  default String token() {
    return "";
  }

  default MeshClient.Builder client(String service) {
    ConsulConfig.Builder config = ConsulConfig.builder().address("http://" + httpAddr());
    if (!token().isEmpty()) {
      config.token(token());
    }
    return MeshClient.builder(service).consul(config.build());
  }

  @Override
  void close();
}
