package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.internal.consul.ConsulControlPlane;
import io.meshnative.internal.consul.ImpatientAgent;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Registrar;
import io.meshnative.spi.Sink;
import io.meshnative.spi.TrustSource;
import io.meshnative.testkit.KeyType;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

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

  /** Makes a new root with a key of this type the active one. */
  Plane rotateRoot(KeyType type) throws IOException;

  /** What the agent itself says: may this id call this service. */
  boolean authorize(String target, String clientUri) throws IOException;

  String trustDomain() throws IOException;

  /** What a token must be sent with each call, empty for none. */
  default String token() {
    return "";
  }

  /** Leaves no intention behind. */
  void removeAllIntentions() throws IOException;

  /** The calls with which tests set the scene and look at it. */
  default AgentApi api() {
    return new AgentApi(httpAddr(), token());
  }

  default ConsulConfig config() {
    ConsulConfig.Builder config = ConsulConfig.builder().address("http://" + httpAddr());
    if (!token().isEmpty()) {
      config.token(token());
    }
    return config.build();
  }

  /** Makes a token with the identity of a service and nothing else; returns its secret. */
  default String serviceToken(String service) throws IOException {
    return AgentApi.field(
        api()
            .require(
                "PUT",
                "/v1/acl/token",
                "{\"ServiceIdentities\":[{\"ServiceName\":\"" + service + "\"}]}"),
        "SecretID");
  }

  /** Makes a token with a policy of these rules; returns its secret. */
  default String tokenWithRules(String policy, String rules) throws IOException {
    String unused =
        api()
            .require(
                "PUT",
                "/v1/acl/policy",
                "{\"Name\":\"" + policy + "\",\"Rules\":\"" + rules.replace("\"", "\\\"") + "\"}");
    return AgentApi.field(
        api().require("PUT", "/v1/acl/token", "{\"Policies\":[{\"Name\":\"" + policy + "\"}]}"),
        "SecretID");
  }

  /** Destroys a token. */
  default void destroyToken(String secret) throws IOException {
    String accessor =
        AgentApi.field(
            new AgentApi(httpAddr(), secret).require("GET", "/v1/acl/token/self", ""),
            "AccessorID");
    String unused = api().require("DELETE", "/v1/acl/token/" + accessor, "");
  }

  default MeshClient.Builder client(String service) {
    return MeshClient.builder(service).consul(config());
  }

  /**
   * A client that looks after seconds, not minutes, whether its leaf has followed a rotation:
   * agents of 1.8 and 1.10 need to be asked in another way from the second rotation on.
   */
  default MeshClient.Builder impatientClient(String service) throws IOException {
    return MeshClient.builder(service).controlPlane(ImpatientAgent.open(config(), service));
  }

  /**
   * A client with a true identity that holds no policy of its own and lets everything through, so
   * that whatever refuses or cuts is the other side.
   */
  default MeshClient.Builder lawlessClient(String service) throws IOException {
    ConsulControlPlane agent = ConsulControlPlane.open(config(), service);
    return MeshClient.builder(service).controlPlane(new Lawless(agent));
  }

  /** Everything as the agent has it, but the intentions: everything is allowed. */
  record Lawless(ConsulControlPlane agent) implements ControlPlane {
    @Override
    public IdentitySource identity() {
      return agent.identity();
    }

    @Override
    public TrustSource trust() {
      return agent.trust();
    }

    @Override
    public IntentionSource intentions() {
      return new IntentionSource() {
        @Override
        public void start(Sink<IntentionUpdate> sink) {
          try {
            sink.accept(new IntentionUpdate(List.of(), List.of(), DefaultDecision.ALLOW));
          } catch (InvalidUpdateException e) {
            throw new IllegalStateException(e);
          }
        }

        @Override
        public void close() {}
      };
    }

    @Override
    public EndpointSource endpoints() {
      return agent.endpoints();
    }

    @Override
    public Optional<Registrar> registrar() {
      return agent.registrar();
    }

    @Override
    public void close() {
      agent.close();
    }
  }

  @Override
  void close();
}
